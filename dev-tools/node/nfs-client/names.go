package main

import (
	"fmt"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/hanwen/go-fuse/v2/fuse"
)

// Types of RFC 8881, section 3.3.13, that CREATE makes.
const (
	typeDirectory = 2
	typeBlock     = 3
	typeCharacter = 4
	typeLink      = 5
)

var keptNumber atomic.Uint64

func created(r *reply) {
	r.next().changeInfo()
	r.bitmap()
}

func (f *fileSystem) Mkdir(cancel <-chan struct{}, in *fuse.MkdirIn, name string, out *fuse.EntryOut) fuse.Status {
	request := changing(f.node(in.NodeId).handle)
	request.op(opCreate).u32(typeDirectory)
	request.text(name)
	modeOnly(in.Mode).encode(&request.encoder)
	return f.entry(cancel, &in.InHeader, request, created, out)
}

func (f *fileSystem) Symlink(
	cancel <-chan struct{}, in *fuse.InHeader, target, name string, out *fuse.EntryOut,
) fuse.Status {
	request := changing(f.node(in.NodeId).handle)
	request.op(opCreate).u32(typeLink)
	request.text(target)
	request.text(name)
	modeOnly(0o777).encode(&request.encoder)
	return f.entry(cancel, in, request, created, out)
}

func (f *fileSystem) Mknod(cancel <-chan struct{}, in *fuse.MknodIn, name string, out *fuse.EntryOut) fuse.Status {
	if in.Mode&fuse.S_IFREG == fuse.S_IFREG {
		request := createRequest(f.node(in.NodeId).handle, name, in.Mode, syscall.O_EXCL|syscall.O_RDWR)
		return f.entry(cancel, &in.InHeader, request, func(r *reply) { opened(r); r.next() }, out)
	}
	request := changing(f.node(in.NodeId).handle)
	request.op(opCreate)
	for kind, bits := range typeBits {
		if kind > 0 && in.Mode&0o170000 == bits {
			request.u32(uint32(kind))
			if kind == typeBlock || kind == typeCharacter {
				request.u32(in.Rdev>>8&0xfff, in.Rdev&0xff|in.Rdev>>12&^0xff)
			}
		}
	}
	request.text(name)
	modeOnly(in.Mode).encode(&request.encoder)
	return f.entry(cancel, &in.InHeader, request, created, out)
}

func (f *fileSystem) Link(cancel <-chan struct{}, in *fuse.LinkIn, name string, out *fuse.EntryOut) fuse.Status {
	file := f.node(in.Oldnodeid)
	request := changing(file.handle)
	request.op(opSavefh)
	request.op(opPutfh).text(f.node(in.NodeId).handle)
	request.op(opLink).text(name)
	request.op(opPutfh).text(file.handle)
	return f.entry(cancel, &in.InHeader, request, func(r *reply) { r.next().next().next().changeInfo(); r.next() }, out)
}

func (f *fileSystem) Unlink(cancel <-chan struct{}, in *fuse.InHeader, name string) fuse.Status {
	directory := f.node(in.NodeId).handle
	if isKept, status := f.keep(cancel, in, directory, name); isKept || status != fuse.OK {
		return status
	}
	return f.Rmdir(cancel, in, name)
}

// Rmdir removes a name; the protocol has one operation for files and directories, and the kernel knows which this is.
func (f *fileSystem) Rmdir(cancel <-chan struct{}, in *fuse.InHeader, name string) fuse.Status {
	request := changing(f.node(in.NodeId).handle)
	request.op(opRemove).text(name)
	_, status := f.call(cancel, in, request)
	return status
}

func (f *fileSystem) Rename(cancel <-chan struct{}, in *fuse.RenameIn, from, to string) fuse.Status {
	if in.Flags != 0 {
		return fuse.EINVAL // the protocol has neither exchange nor "unless it exists"
	}
	source, target := f.node(in.NodeId).handle, f.node(in.Newdir).handle
	if _, status := f.keep(cancel, &in.InHeader, target, to); status != fuse.OK {
		return status
	}
	_, status := f.call(cancel, &in.InHeader, renameRequest(source, from, target, to))
	return status
}

func renameRequest(source, from, target, to string) *compound {
	request := changing(source)
	request.op(opSavefh)
	request.op(opPutfh).text(target)
	request.op(opRename).text(from)
	request.text(to)
	return request
}

// keep gives a file that is open here another name, before its own is removed or taken by another.
func (f *fileSystem) keep(
	cancel <-chan struct{}, in *fuse.InHeader, directory, name string,
) (bool, fuse.Status) {
	f.mutex.Lock()
	none := len(f.open) == 0
	f.mutex.Unlock()
	if none {
		return false, fuse.OK
	}
	request := on(directory)
	request.op(opLookup).text(name)
	request.op(opGetfh)
	answer, status := f.call(cancel, in, request)
	if status == fuse.ENOENT {
		return false, fuse.OK
	}
	if status != fuse.OK {
		return false, status
	}
	handle := answer.next().next().next().text()
	f.mutex.Lock()
	n := f.handles[handle]
	f.mutex.Unlock()
	if n == nil {
		return false, fuse.OK
	}
	n.mutex.Lock()
	isOpen := n.opens > 0
	if isOpen {
		n.opens++ // until it has its other name
	}
	n.mutex.Unlock()
	if !isOpen {
		return false, fuse.OK
	}
	defer f.closed(n)
	other := fmt.Sprintf(".nfs%x%04x", time.Now().UnixNano(), keptNumber.Add(1))
	if _, status := f.call(cancel, in, renameRequest(directory, name, directory, other)); status != fuse.OK {
		return false, status
	}
	n.mutex.Lock()
	n.kept = &kept{directory: directory, name: other, as: credentialOf(&in.Caller)}
	n.mutex.Unlock()
	return true, fuse.OK
}

// closed is one close of a file; the last removes what is kept of it.
func (f *fileSystem) closed(n *node) {
	n.mutex.Lock()
	n.opens--
	var gone *kept
	if n.opens == 0 {
		gone, n.kept = n.kept, nil
	}
	n.mutex.Unlock()
	if gone != nil {
		request := changing(gone.directory)
		request.op(opRemove).text(gone.name)
		f.client.run(gone.as, request)
	}
}
