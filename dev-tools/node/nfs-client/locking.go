package main

import (
	"syscall"
	"time"

	"github.com/hanwen/go-fuse/v2/fuse"
)

// owner is the lock owner of this number on a node, made when there is none and it is wanted.
func (f *fileSystem) owner(n *node, number uint64, wanted *openFile) *lockOwner {
	n.mutex.Lock()
	defer n.mutex.Unlock()
	found := n.locks[number]
	if found == nil && wanted != nil {
		found = &lockOwner{handle: n.handle, name: append(le64(number), le64(n.id)...), as: wanted.as}
		n.locks[number] = found
		f.client.locks.add(found)
	}
	return found
}

func (f *fileSystem) unlock(n *node, number uint64) {
	if found := f.owner(n, number, nil); found != nil {
		n.mutex.Lock()
		delete(n.locks, number)
		n.mutex.Unlock()
		found.end(f.client)
	}
}

func (f *fileSystem) GetLk(cancel <-chan struct{}, in *fuse.LkIn, out *fuse.LkOut) fuse.Status {
	file := f.file(in.Fh)
	wanted := lockRange{in.Lk.Start, in.Lk.End, kindOf(in.Lk.Typ)}
	request := on(file.node.handle)
	request.op(opLockt).u32(wanted.kind)
	request.u64(wanted.first, wanted.length(), 0)
	request.opaque(append(le64(in.Owner), le64(file.node.id)...))
	answer, status := f.run(cancel, in.Pid, file.as, request)
	switch {
	case status == fuse.OK:
		out.Lk = fuse.FileLock{Typ: syscall.F_UNLCK}
		return fuse.OK
	case answer == nil || answer.status != statusDenied:
		return status
	}
	answer.next().next()
	out.Lk = fuse.FileLock{Start: answer.u64(), End: answer.u64(), Typ: syscall.F_WRLCK}
	if out.Lk.End += out.Lk.Start - 1; out.Lk.End > toTheEnd || out.Lk.End < out.Lk.Start {
		out.Lk.End = toTheEnd
	}
	if answer.u32()%2 == readLock {
		out.Lk.Typ = syscall.F_RDLCK
	}
	return fuse.OK
}

func kindOf(kernels uint32) uint32 {
	if kernels == syscall.F_RDLCK {
		return readLock
	}
	return writeLock
}

func (f *fileSystem) SetLk(cancel <-chan struct{}, in *fuse.LkIn) fuse.Status {
	asked := *in // the kernel's buffer is used again when the process is killed
	if status, done := await(cancel, in.Pid, func() fuse.Status { return f.setLock(&asked) }); done {
		return status
	}
	return fuse.EINTR
}

func (f *fileSystem) setLock(in *fuse.LkIn) fuse.Status {
	file := f.file(in.Fh)
	wanted := lockRange{in.Lk.Start, in.Lk.End, kindOf(in.Lk.Typ)}
	if in.Lk.Typ == syscall.F_UNLCK {
		if found := f.owner(file.node, in.Owner, nil); found != nil {
			return fuse.Status(found.release(f.client, wanted))
		}
		return fuse.OK
	}
	share := file.share
	if in.LkFlags&fuse.LK_FLOCK == 0 && share&wanted.kind == 0 {
		return fuse.EBADF
	}
	if failed := f.owner(file.node, in.Owner, file).acquire(f.client, wanted, share); failed != 0 {
		return fuse.Status(failed)
	}
	// What the kernel read before may be older than what the last holder of the lock wrote on another machine.
	f.kernel.InodeNotify(file.node.id, 0, 0)
	return fuse.OK
}

// SetLkw asks again and again: the protocol has no waiting lock, only a server's promise to be fair.
func (f *fileSystem) SetLkw(cancel <-chan struct{}, in *fuse.LkIn) fuse.Status {
	for pause := 5 * time.Millisecond; ; pause = min(2*pause, time.Second) {
		status := f.SetLk(cancel, in)
		if status != fuse.EAGAIN {
			return status
		}
		select {
		case <-cancel:
			return fuse.EINTR
		case <-time.After(pause):
		}
	}
}
