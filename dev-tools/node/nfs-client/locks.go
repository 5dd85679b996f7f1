package main

import (
	"log"
	"sync"
	"syscall"
)

const (
	readLock, writeLock   = 1, 2
	shareRead, shareWrite = 1, 2
	toTheEnd              = 1<<63 - 1 // the kernel's last offset; the protocol writes such a length as all ones
)

// lockRange is a lock as the kernel asks for it: its last byte belongs to it.
type lockRange struct {
	first, last uint64
	kind        uint32
}

func (r lockRange) length() uint64 {
	if r.last >= toTheEnd {
		return ^uint64(0)
	}
	return r.last - r.first + 1
}

// without are the held ranges less those bytes.
func without(held []lockRange, first, last uint64) []lockRange {
	var left []lockRange
	for _, each := range held {
		if each.last < first || each.first > last {
			left = append(left, each)
			continue
		}
		if each.first < first {
			left = append(left, lockRange{each.first, first - 1, each.kind})
		}
		if each.last > last {
			left = append(left, lockRange{last + 1, each.last, each.kind})
		}
	}
	return left
}

// lockOwner is the locks of one process, or of one open file description, on one file: states of an open and of a lock.
type lockOwner struct {
	handle string
	name   []byte
	as     credential

	busy  sync.Mutex // one request at a time: the states count requests
	mutex sync.Mutex // of what follows, which a reclaim changes while a request waits for the server
	share uint32
	open  []byte
	lock  []byte
	held  []lockRange
}

// lockTable knows all owners, for a server that starts again and asks for their locks.
type lockTable struct {
	mutex  sync.Mutex
	owners map[*lockOwner]bool
}

func (t *lockTable) add(owner *lockOwner) {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	if t.owners == nil {
		t.owners = map[*lockOwner]bool{}
	}
	t.owners[owner] = true
}

func (t *lockTable) remove(owner *lockOwner) {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	delete(t.owners, owner)
}

// reclaim claims all locks in a new session; it fails only when the connection or the session does.
func (t *lockTable) reclaim(send func(credential, *compound) (*reply, error)) error {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	for owner := range t.owners {
		if err := owner.reclaim(send); err != nil {
			return err
		}
	}
	return nil
}

func (l *lockOwner) reclaim(send func(credential, *compound) (*reply, error)) error {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	l.open, l.lock = nil, nil
	if len(l.held) == 0 {
		return nil // opened again when it locks again
	}
	answer, err := send(l.as, l.openRequest(l.share, true))
	if err != nil {
		return err
	}
	if answer.status == 0 {
		answer.next()
		l.open = answer.next().fixed(16)
	}
	for _, each := range l.held {
		if answer.status == 0 {
			if answer, err = send(l.as, l.lockRequest(each, true)); err != nil {
				return err
			}
		}
		if answer.status == 0 {
			answer.next()
			l.lock = answer.next().fixed(16)
		}
	}
	if answer.status != 0 {
		log.Printf("a lock is lost: the server answers its reclaim with %d", answer.status)
		l.open, l.lock, l.held = nil, nil, nil
	}
	return nil
}

func (l *lockOwner) openRequest(share uint32, again bool) *compound {
	request := changing(l.handle)
	request.op(opOpen).u32(0, share, 0)
	request.u64(0)
	request.opaque(append([]byte("open"), l.name...))
	if request.u32(0); again { // it is there
		request.u32(1, 0) // claim: as before the server's restart, without a delegation
	} else {
		request.u32(4) // claim: the current file handle
	}
	return request
}

// lockRequest is a LOCK in the owner's states as they are now.
func (l *lockOwner) lockRequest(wanted lockRange, again bool) *compound {
	request := changing(l.handle)
	request.op(opLock).u32(wanted.kind)
	request.flag(again)
	request.u64(wanted.first, wanted.length())
	if l.lock != nil {
		request.flag(false)
		request.fixed(l.lock)
		request.u32(0)
		return request
	}
	request.flag(true)
	request.u32(0)
	request.fixed(l.open)
	request.u32(0)
	request.u64(0)
	request.opaque(l.name)
	return request
}

// acquire asks the server for a lock once; EAGAIN when another has it.
func (l *lockOwner) acquire(c *client, wanted lockRange, share uint32) syscall.Errno {
	l.busy.Lock()
	defer l.busy.Unlock()
	for range 5 {
		l.mutex.Lock()
		missing := l.open == nil || l.share|share != l.share
		request := l.lockRequest(wanted, false)
		if missing {
			request = l.openRequest(l.share|share, false)
		}
		l.mutex.Unlock()
		answer := c.run(l.as, request)
		switch {
		case answer.status == 0 && missing:
			answer.next()
			l.mutex.Lock()
			l.open, l.share = answer.next().fixed(16), l.share|share
			l.mutex.Unlock()
		case answer.status == 0:
			answer.next()
			l.mutex.Lock()
			l.lock = answer.next().fixed(16)
			l.held = append(without(l.held, wanted.first, wanted.last), wanted)
			l.mutex.Unlock()
			return 0
		case !l.forgotten(answer.status):
			return errno(answer.status)
		}
	}
	return syscall.EIO
}

// forgotten says whether the server lost the states, so that new ones are to be made.
func (l *lockOwner) forgotten(status uint32) bool {
	switch status {
	case statusBadStateid, statusStaleStateid, statusExpired, statusAdminRevoked:
	default:
		return false
	}
	l.mutex.Lock()
	defer l.mutex.Unlock()
	if len(l.held) == 0 { // else a reclaim already made new ones, or the next fails in the same way
		l.open, l.lock = nil, nil
	}
	return true
}

// release gives up those bytes.
func (l *lockOwner) release(c *client, wanted lockRange) syscall.Errno {
	l.busy.Lock()
	defer l.busy.Unlock()
	for range 5 {
		l.mutex.Lock()
		if l.lock == nil {
			l.mutex.Unlock()
			return 0
		}
		request := changing(l.handle)
		request.op(opLocku).u32(readLock, 0)
		request.fixed(l.lock)
		request.u64(wanted.first, wanted.length())
		l.mutex.Unlock()
		answer := c.run(l.as, request)
		if answer.status == 0 {
			answer.next()
			l.mutex.Lock()
			l.lock, l.held = answer.next().fixed(16), without(l.held, wanted.first, wanted.last)
			l.mutex.Unlock()
			return 0
		}
		if !l.forgotten(answer.status) {
			return errno(answer.status)
		}
	}
	return syscall.EIO
}

// end gives up everything, the open state included.
func (l *lockOwner) end(c *client) {
	l.release(c, lockRange{0, toTheEnd, readLock})
	l.busy.Lock()
	defer l.busy.Unlock()
	c.locks.remove(l)
	l.mutex.Lock()
	open := l.open
	l.mutex.Unlock()
	if open != nil {
		request := changing(l.handle)
		request.op(opClose).u32(0)
		request.fixed(open)
		c.run(l.as, request)
	}
}
