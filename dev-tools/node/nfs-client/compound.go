package main

import (
	"encoding/binary"
	"syscall"
)

// Operations of NFSv4.1 (RFC 8881, section 16.2.1) that this client sends.
const (
	opAccess          = 3
	opClose           = 4
	opCommit          = 5
	opCreate          = 6
	opGetattr         = 9
	opGetfh           = 10
	opLink            = 11
	opLock            = 12
	opLockt           = 13
	opLocku           = 14
	opLookup          = 15
	opOpen            = 18
	opPutfh           = 22
	opPutrootfh       = 24
	opRead            = 25
	opReaddir         = 26
	opReadlink        = 27
	opRemove          = 28
	opRename          = 29
	opSavefh          = 32
	opSetattr         = 34
	opWrite           = 38
	opExchangeID      = 42
	opCreateSession   = 43
	opDestroySession  = 44
	opSequence        = 53
	opDestroyClientid = 57
	opReclaimComplete = 58
)

// Statuses that decide what this client does next.
const (
	statusDelay          = 10008
	statusDenied         = 10010
	statusExpired        = 10011
	statusGrace          = 10013
	statusStaleClientid  = 10022
	statusStaleStateid   = 10023
	statusBadStateid     = 10025
	statusBadSession     = 10052
	statusMisordered     = 10063
	statusRetryUncached  = 10068
	statusDeadSession    = 10078
	statusNotBound       = 10055
	statusAdminRevoked   = 10047
	statusCompleteBefore = 10054
)

// Other statuses as the error that a process sees; those below 100 that are not here have Linux's numbers.
var errnoOf = map[uint32]syscall.Errno{
	63:           syscall.ENAMETOOLONG,
	66:           syscall.ENOTEMPTY,
	69:           syscall.EDQUOT,
	70:           syscall.ESTALE,
	10001:        syscall.ESTALE, // bad file handle
	10004:        syscall.EOPNOTSUPP,
	10007:        syscall.EINVAL, // bad type
	statusDenied: syscall.EAGAIN,
	10012:        syscall.EAGAIN, // locked
	10014:        syscall.ESTALE, // expired file handle
	10015:        syscall.EACCES, // share denied
	10029:        syscall.ELOOP,
	10038:        syscall.EBADF,  // the lock needs another open mode
	10039:        syscall.EINVAL, // bad owner
	10040:        syscall.EINVAL, // bad character
	10041:        syscall.EINVAL, // bad name
	10045:        syscall.EDEADLK,
}

func errno(status uint32) syscall.Errno {
	if found, there := errnoOf[status]; there {
		return found
	}
	if status < 100 {
		return syscall.Errno(status)
	}
	return syscall.EIO
}

// compound is a request: operations that the server runs one after the other until one fails.
type compound struct {
	encoder
	operations uint32
	once       bool // must not run twice: the server keeps the reply for a repeated request
}

func on(handle string) *compound {
	c := &compound{}
	c.op(opPutfh)
	c.text(handle)
	return c
}

// changing is a compound that must not run twice.
func changing(handle string) *compound {
	c := on(handle)
	c.once = true
	return c
}

func (c *compound) op(number uint32) *compound {
	c.operations++
	c.u32(number)
	return c
}

// getattr ends a compound with the object's attributes.
func (c *compound) getattr(wanted bitmap) *compound {
	c.op(opGetattr)
	wanted.encode(&c.encoder)
	return c
}

// reply is a decoded compound; its operations are read in the order in which they were sent.
type reply struct {
	decoder
	status uint32
}

// next goes to the results of the next operation, all earlier ones having been read.
func (r *reply) next() *reply {
	r.fixed(8) // its number, and its status: a compound that failed is not read
	return r
}

func (r *reply) changeInfo() { r.fixed(20) }

// credential is an encoded AUTH_SYS body: in whose name a request is made.
type credential string

const mostGroups = 16 // of AUTH_SYS

func newCredential(uid, gid uint32, groups []uint32) credential {
	e := encoder{}
	e.u32(0)
	e.text("jld-node")
	e.u32(uid, gid)
	groups = groups[:min(len(groups), mostGroups)]
	e.u32(uint32(len(groups)))
	e.u32(groups...)
	return credential(e.bytes)
}

var rootCredential = newCredential(0, 0, nil)

// header is what precedes a compound's operations: the RPC call, and how many operations there are.
func header(minor uint32, as credential, operations uint32) *encoder {
	e := &encoder{bytes: make([]byte, 0, 256)}
	e.u32(0, 2, 100003, 4, 1) // call, RPC version, NFS, version 4, COMPOUND
	e.u32(1)                  // AUTH_SYS
	e.opaque([]byte(as))
	e.u32(0, 0) // no verifier
	e.text("")  // no tag
	e.u32(minor, operations)
	return e
}

// parse reads the reply up to the results of the first operation.
func parse(record []byte) (*reply, bool) {
	r := &reply{decoder: decoder{bytes: record}}
	if r.u32() != 1 || r.u32() != 0 { // a reply, and accepted
		return r, false
	}
	r.u32()
	r.opaque()
	if r.u32() != 0 { // the server could not decode or run it
		return r, false
	}
	r.status = r.u32()
	r.opaque()
	r.u32()
	return r, !r.short
}

func le64(value uint64) []byte { return binary.LittleEndian.AppendUint64(nil, value) }
