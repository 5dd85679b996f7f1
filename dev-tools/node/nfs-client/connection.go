package main

import (
	"encoding/binary"
	"errors"
	"io"
	"net"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

const (
	lastFragment = 1 << 31 // RFC 5531's record marking: this bit, and the length
	largestReply = 4 << 20
	replyTimeout = 60 * time.Second // then the connection is given up and the request is sent again on a new one
	silentServer = 10 * time.Second // a server that acknowledges nothing for so long is gone, whoever has its address
)

var errBroken = errors.New("the connection to the server broke")

// connection is one TCP connection; replies find their callers by the number of the call.
type connection struct {
	tcp     net.Conn
	broken  chan struct{} // closed when no reply will come any more
	writing sync.Mutex
	mutex   sync.Mutex
	waiting map[uint32]chan []byte
	number  uint32
}

func dial(address string) (*connection, error) {
	dialer := net.Dialer{
		Timeout:         5 * time.Second,
		KeepAliveConfig: net.KeepAliveConfig{Enable: true, Idle: 5 * time.Second, Interval: 2 * time.Second, Count: 3},
		Control: func(_, _ string, raw syscall.RawConn) error {
			return raw.Control(func(fd uintptr) {
				// Where the system does not have it, replyTimeout does the same later.
				_ = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, int(silentServer.Milliseconds()))
			})
		},
	}
	tcp, err := dialer.Dial("tcp", address)
	if err != nil {
		return nil, err
	}
	c := &connection{tcp: tcp, broken: make(chan struct{}), waiting: map[uint32]chan []byte{}}
	go c.receive()
	return c, nil
}

// receive hands replies out until the connection breaks.
func (c *connection) receive() {
	defer close(c.broken)
	defer c.tcp.Close()
	var marker [4]byte
	for {
		var record []byte
		for last := false; !last; {
			if _, err := io.ReadFull(c.tcp, marker[:]); err != nil {
				return
			}
			length := binary.BigEndian.Uint32(marker[:])
			last = length&lastFragment != 0
			length &^= lastFragment
			start := len(record)
			if start+int(length) > largestReply {
				return
			}
			record = append(record, make([]byte, length)...)
			if _, err := io.ReadFull(c.tcp, record[start:]); err != nil {
				return
			}
		}
		if len(record) < 4 {
			return
		}
		c.mutex.Lock()
		reply := c.waiting[binary.BigEndian.Uint32(record)]
		delete(c.waiting, binary.BigEndian.Uint32(record))
		c.mutex.Unlock()
		if reply != nil {
			reply <- record[4:]
		}
	}
}

// call sends a request and returns what follows the call's number in the reply.
func (c *connection) call(parts ...[]byte) ([]byte, error) {
	length := 4
	for _, part := range parts {
		length += len(part)
	}
	reply := make(chan []byte, 1)
	c.mutex.Lock()
	c.number++
	number := c.number
	c.waiting[number] = reply
	c.mutex.Unlock()

	head := binary.BigEndian.AppendUint32(nil, lastFragment|uint32(length))
	buffers := net.Buffers(append([][]byte{binary.BigEndian.AppendUint32(head, number)}, parts...))
	c.writing.Lock()
	_, err := buffers.WriteTo(c.tcp)
	c.writing.Unlock()
	if err != nil {
		c.tcp.Close() // receive notices, and closes broken
	}
	timeout := time.NewTimer(replyTimeout)
	defer timeout.Stop()
	select {
	case found := <-reply:
		return found, nil
	case <-c.broken:
		return nil, errBroken
	case <-timeout.C:
		c.tcp.Close()
		return nil, errBroken
	}
}
