package main

import (
	"errors"
	"fmt"
	"log"
	"sync"
	"time"
)

const (
	slots       = 64
	largestData = 1 << 20
	renewEvery  = 2 * time.Second // a third of the lease of the chart's server; after the lease others get its locks
	retryEvery  = 500 * time.Millisecond
)

var (
	errRefused = errors.New("the server does not speak this")
	errSession = errors.New("the server forgot the session")
)

// session is what makes a request run exactly once: each slot has one request at a time, with a number that a repeated
// request repeats.
type session struct {
	id   []byte
	free chan *slot
	dead chan struct{}
	once sync.Once
}

type slot struct{ id, number uint32 }

func (s *session) end() { s.once.Do(func() { close(s.dead) }) }

// client keeps a connection and a session for as long as it lives. A request waits while the server is away: the mount
// is a hard one.
type client struct {
	address  string
	minor    uint32
	owner    string
	verifier []byte

	mutex      sync.Mutex
	changed    *sync.Cond
	connection *connection // nil while there is none
	session    *session
	clientID   uint64
	locks      lockTable
}

func newClient(address string, minor uint32, owner string, verifier []byte) *client {
	c := &client{address: address, minor: minor, owner: owner, verifier: verifier}
	c.changed = sync.NewCond(&c.mutex)
	return c
}

// connect makes the first connection and session, and keeps them from then on.
func (c *client) connect() error {
	connection, err := dial(c.address)
	if err != nil {
		return err
	}
	made, err := c.establish(connection)
	if err != nil {
		return err
	}
	c.publish(connection, made)
	go c.keep(connection, made)
	return nil
}

// keep replaces a broken connection and a forgotten session.
func (c *client) keep(current *connection, made *session) {
	for {
		timer := time.NewTimer(renewEvery)
		select {
		case <-timer.C:
			go c.run(rootCredential, &compound{}) // renews the lease, and learns of a forgotten session
			continue
		case <-current.broken:
		case <-made.dead:
		}
		timer.Stop()
		c.publish(nil, made)
		for {
			select {
			case <-current.broken:
				fresh, err := dial(c.address)
				if err != nil {
					time.Sleep(retryEvery)
					continue
				}
				current = fresh
			default:
			}
			select {
			case <-made.dead:
				fresh, err := c.establish(current)
				if err != nil {
					log.Printf("no session yet: %v", err)
					time.Sleep(retryEvery)
					continue
				}
				made = fresh
			default:
			}
			break
		}
		c.publish(current, made)
		go c.run(rootCredential, &compound{}) // a server that started again says so now, not at the next request
	}
}

func (c *client) publish(connection *connection, session *session) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	c.connection, c.session = connection, session
	c.changed.Broadcast()
}

// current waits until there are a connection and a session.
func (c *client) current() (*connection, *session) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	for c.connection == nil {
		c.changed.Wait()
	}
	return c.connection, c.session
}

// establish makes a session, and claims the locks of the one before when there was one.
func (c *client) establish(on *connection) (*session, error) {
	exchange := &compound{}
	exchange.op(opExchangeID)
	exchange.fixed(c.verifier)
	exchange.text(c.owner)
	exchange.u32(0, 0, 0) // no flags, no state protection, no implementation named
	answer, err := c.once(on, exchange)
	if err != nil {
		return nil, err
	}
	clientID, number := answer.next().u64(), answer.u32()

	create := &compound{}
	create.op(opCreateSession)
	create.u64(clientID)
	create.u32(number, 0)
	create.u32(0, largestData+8192, largestData+8192, 8192, 16, slots, 0) // requests
	create.u32(0, 4096, 4096, 0, 2, 1, 0)                                 // callbacks, of which none are taken
	create.u32(0x40000000, 1, 0)                                          // their program, without authentication
	answer, err = c.once(on, create)
	if err != nil {
		return nil, err
	}
	made := &session{id: answer.next().fixed(16), dead: make(chan struct{})}
	answer.fixed(4 + 4 + 5*4)
	count := min(answer.u32(), slots)
	if answer.short || count == 0 {
		return nil, errRefused
	}
	made.free = make(chan *slot, count)
	for id := range count {
		made.free <- &slot{id: id, number: 1}
	}
	c.clientID = clientID
	if err := c.locks.reclaim(func(as credential, request *compound) (*reply, error) {
		return c.onSession(on, made, as, request)
	}); err != nil {
		return nil, err
	}
	complete := &compound{}
	complete.op(opReclaimComplete).flag(false)
	answer, err = c.onSession(on, made, rootCredential, complete)
	if err == nil && answer.status != 0 && answer.status != statusCompleteBefore {
		err = fmt.Errorf("the server answers RECLAIM_COMPLETE with %d", answer.status)
	}
	return made, err
}

// once sends a compound outside any session.
func (c *client) once(on *connection, request *compound) (*reply, error) {
	for {
		record, err := on.call(header(c.minor, rootCredential, request.operations).bytes, request.bytes)
		if err != nil {
			return nil, err
		}
		answer, understood := parse(record)
		switch {
		case !understood:
			return nil, errRefused
		case answer.status == statusDelay || answer.status == statusGrace:
			time.Sleep(retryEvery)
		case answer.status != 0:
			return nil, fmt.Errorf("%w: status %d", errRefused, answer.status)
		default:
			return answer, nil
		}
	}
}

// onSession sends a compound in a slot of the session, over this one connection.
func (c *client) onSession(on *connection, in *session, as credential, request *compound) (*reply, error) {
	taken := <-in.free
	defer func() { in.free <- taken }()
	return c.inSlot(on, in, taken, as, request)
}

func (c *client) inSlot(on *connection, in *session, taken *slot, as credential, request *compound) (*reply, error) {
	for {
		head := header(c.minor, as, request.operations+1)
		head.u32(opSequence)
		head.fixed(in.id)
		head.u32(taken.number, taken.id, slots-1)
		head.flag(request.once)
		record, err := on.call(head.bytes, request.bytes)
		if err != nil {
			return nil, err
		}
		answer, understood := parse(record)
		if !understood {
			taken.number++
			return &reply{status: uint32(13)}, nil // RPC's refusals are about credentials
		}
		answer.u32()
		switch answer.u32() {
		case 0:
			taken.number++
			answer.fixed(16 + 5*4)
			return answer, nil
		case statusDelay:
			time.Sleep(retryEvery / 5)
		case statusRetryUncached: // it ran, only its reply is gone, and it may run again
			taken.number++
		default: // forgotten, or out of step: a new session is the remedy
			in.end()
			return nil, errSession
		}
	}
}

// run sends a compound, again and again until the server answers: over a new connection in the same slot, which a
// server that already ran it recognizes, or in a new session.
func (c *client) run(as credential, request *compound) *reply {
	for {
		on, in := c.current()
		var taken *slot
		select {
		case taken = <-in.free:
		case <-in.dead:
			time.Sleep(retryEvery / 10)
			continue
		}
		answer, err := c.inSlot(on, in, taken, as, request)
		for err == errBroken {
			time.Sleep(retryEvery / 10)
			again, now := c.current()
			if now != in {
				break
			}
			answer, err = c.inSlot(again, in, taken, as, request)
		}
		in.free <- taken
		if err != nil {
			continue
		}
		if answer.status == statusDelay || answer.status == statusGrace {
			time.Sleep(retryEvery / 5)
			continue
		}
		return answer
	}
}

// leave tells the server that no more will come, if it answers at once.
func (c *client) leave() {
	c.mutex.Lock()
	on, in := c.connection, c.session
	c.mutex.Unlock()
	if on == nil {
		return
	}
	destroy := &compound{}
	destroy.op(opDestroySession).fixed(in.id)
	forget := &compound{}
	forget.op(opDestroyClientid).u64(c.clientID)
	done := make(chan struct{})
	go func() {
		defer close(done)
		if _, err := c.once(on, destroy); err == nil {
			_, _ = c.once(on, forget)
		}
	}()
	select {
	case <-done:
	case <-time.After(time.Second):
	}
}
