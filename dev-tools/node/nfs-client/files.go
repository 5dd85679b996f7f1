package main

import (
	"sync/atomic"
	"syscall"

	"github.com/hanwen/go-fuse/v2/fuse"
)

const releaseFlock = 1 << 1 // FUSE_RELEASE_FLOCK_UNLOCK of the kernel's protocol

// Reads and writes carry the anonymous state: they hold at the server's file handle and at nothing that a server which
// starts again would have forgotten.
var anonymous = make([]byte, 16)

// current is the state that the operation before in the same compound made.
var current = append([]byte{0, 0, 0, 1}, make([]byte, 12)...)

// openFile is an open file or directory. Like the kernel's client it reads and writes in the name of who opened it.
type openFile struct {
	node    *node
	as      credential
	share   uint32
	dirty   atomic.Bool // written since the last COMMIT
	entries []fuse.DirEntry
}

// How OPEN creates: also when the file is there, or not.
const (
	unchecked uint32 = 0
	exclusive uint32 = 1
)

// createRequest makes a file and closes it again: an open state is made only for locks.
func createRequest(directory, name string, mode, flags uint32) *compound {
	how, initial := unchecked, &change{}
	if flags&syscall.O_EXCL != 0 {
		how = exclusive
	} else if flags&syscall.O_TRUNC != 0 {
		initial.add(attrSize).u64(0) // another may have made it meanwhile
	}
	initial.add(attrMode).u32(mode & 0o7777)
	request := changing(directory)
	request.op(opOpen).u32(0, shares(flags), 0)
	request.u64(0)
	request.text("create " + name)
	request.u32(1, how)
	initial.encode(&request.encoder)
	request.u32(0) // claim: by name
	request.text(name)
	request.op(opClose).u32(0)
	request.fixed(current)
	return request
}

// opened reads the result of OPEN.
func opened(r *reply) {
	r.next().fixed(16)
	r.changeInfo()
	r.u32()
	r.bitmap()
	if r.u32() == 3 { // no delegation, and why
		if why := r.u32(); why == 1 || why == 2 {
			r.u32()
		}
	}
}

func (f *fileSystem) file(handle uint64) *openFile {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	return f.open[handle]
}

func (f *fileSystem) add(file *openFile) uint64 {
	file.node.mutex.Lock()
	file.node.opens++
	file.node.mutex.Unlock()
	f.mutex.Lock()
	defer f.mutex.Unlock()
	f.last++
	f.open[f.last] = file
	return f.last
}

// shares is what an open with these flags is for.
func shares(flags uint32) uint32 {
	switch flags & syscall.O_ACCMODE {
	case syscall.O_RDONLY:
		return shareRead
	case syscall.O_WRONLY:
		return shareWrite
	}
	return shareRead | shareWrite
}

func (f *fileSystem) Create(
	cancel <-chan struct{}, in *fuse.CreateIn, name string, out *fuse.CreateOut,
) fuse.Status {
	request := createRequest(f.node(in.NodeId).handle, name, in.Mode, in.Flags)
	status := f.entry(cancel, &in.InHeader, request, func(r *reply) { opened(r); r.next().fixed(16) }, &out.EntryOut)
	if status == fuse.OK {
		file := &openFile{node: f.node(out.NodeId), as: credentialOf(&in.Caller), share: shares(in.Flags)}
		out.Fh = f.add(file)
	}
	return status
}

func (f *fileSystem) Open(cancel <-chan struct{}, in *fuse.OpenIn, out *fuse.OpenOut) fuse.Status {
	n, share := f.node(in.NodeId), shares(in.Flags)
	request := on(n.handle)
	request.op(opAccess).u32(accessBits)
	request.getattr(statBits)
	as := credentialOf(&in.Caller)
	answer, status := f.run(cancel, in.Pid, as, request)
	if status != fuse.OK {
		return status
	}
	answer.next().next().u32()
	if status := allowed(answer.u32(), share&shareRead != 0, share&shareWrite != 0, false); status != fuse.OK {
		return status
	}
	found := answer.next().attributes()
	n.mutex.Lock()
	if n.seen == found.change {
		out.OpenFlags |= fuse.FOPEN_KEEP_CACHE
	}
	n.seen = found.change
	n.mutex.Unlock()
	out.Fh = f.add(&openFile{node: n, as: as, share: share})
	return fuse.OK
}

func (f *fileSystem) Read(cancel <-chan struct{}, in *fuse.ReadIn, buffer []byte) (fuse.ReadResult, fuse.Status) {
	file := f.file(in.Fh)
	request := on(file.node.handle)
	request.op(opRead).fixed(anonymous)
	request.u64(in.Offset)
	request.u32(min(uint32(len(buffer)), largestData))
	answer, status := f.run(cancel, in.Pid, file.as, request)
	if status != fuse.OK {
		return nil, status
	}
	answer.next().next().u32()
	return fuse.ReadResultData(answer.opaque()), fuse.OK
}

func (f *fileSystem) Write(cancel <-chan struct{}, in *fuse.WriteIn, data []byte) (uint32, fuse.Status) {
	file := f.file(in.Fh)
	var written uint32
	for int(written) < len(data) {
		part := data[written:min(int(written)+largestData, len(data))]
		request := &compound{encoder: encoder{bytes: make([]byte, 0, len(part)+256)}, once: true}
		request.op(opPutfh).text(file.node.handle)
		request.op(opWrite).fixed(anonymous)
		request.u64(in.Offset + uint64(written))
		request.u32(0) // unstable: COMMIT makes it durable
		request.opaque(part)
		answer, status := f.run(cancel, in.Pid, file.as, request)
		if status != fuse.OK {
			return written, status
		}
		count := answer.next().next().u32()
		if count == 0 {
			return written, fuse.EIO
		}
		written += count
		file.dirty.Store(true)
	}
	return written, fuse.OK
}

func (f *fileSystem) commit(cancel <-chan struct{}, pid uint32, file *openFile) fuse.Status {
	if !file.dirty.Swap(false) {
		return fuse.OK
	}
	request := on(file.node.handle)
	request.op(opCommit).u64(0)
	request.u32(0)
	_, status := f.run(cancel, pid, file.as, request)
	if status != fuse.OK {
		file.dirty.Store(true)
	}
	return status
}

func (f *fileSystem) Fsync(cancel <-chan struct{}, in *fuse.FsyncIn) fuse.Status {
	return f.commit(cancel, in.Pid, f.file(in.Fh))
}

func (f *fileSystem) FsyncDir(<-chan struct{}, *fuse.FsyncIn) fuse.Status {
	return fuse.OK // the protocol's changes of names are durable when they are answered
}

// Flush is a close: what was written becomes durable, and the process loses its locks on the file.
func (f *fileSystem) Flush(cancel <-chan struct{}, in *fuse.FlushIn) fuse.Status {
	file := f.file(in.Fh)
	status := f.commit(cancel, in.Pid, file)
	owner := in.LockOwner
	await(cancel, in.Pid, func() bool { f.unlock(file.node, owner); return true })
	return status
}

func (f *fileSystem) Release(_ <-chan struct{}, in *fuse.ReleaseIn) {
	f.mutex.Lock()
	file := f.open[in.Fh]
	delete(f.open, in.Fh)
	f.mutex.Unlock()
	if in.ReleaseFlags&releaseFlock != 0 {
		f.unlock(file.node, in.LockOwner)
	}
	f.closed(file.node)
}

func (f *fileSystem) OpenDir(cancel <-chan struct{}, in *fuse.OpenIn, out *fuse.OpenOut) fuse.Status {
	request := on(f.node(in.NodeId).handle)
	request.op(opAccess).u32(accessBits)
	as := credentialOf(&in.Caller)
	answer, status := f.run(cancel, in.Pid, as, request)
	if status != fuse.OK {
		return status
	}
	answer.next().next().u32()
	if status := allowed(answer.u32(), true, false, false); status != fuse.OK {
		return status
	}
	out.Fh = f.add(&openFile{node: f.node(in.NodeId), as: as})
	return fuse.OK
}

// ReadDir reads the whole directory when it is read from its start, so that what is removed meanwhile shifts nothing.
func (f *fileSystem) ReadDir(cancel <-chan struct{}, in *fuse.ReadIn, out *fuse.DirEntryList) fuse.Status {
	directory := f.file(in.Fh)
	if in.Offset == 0 {
		directory.entries = []fuse.DirEntry{{Name: ".", Mode: fuse.S_IFDIR}, {Name: "..", Mode: fuse.S_IFDIR}}
		cookie, verifier := uint64(0), make([]byte, 8)
		for done := false; !done; {
			request := on(directory.node.handle)
			request.op(opReaddir).u64(cookie)
			request.fixed(verifier)
			request.u32(64<<10, 64<<10)
			entryBits.encode(&request.encoder)
			answer, status := f.run(cancel, in.Pid, directory.as, request)
			if status != fuse.OK {
				return status
			}
			verifier = answer.next().next().fixed(8)
			for answer.flag() {
				cookie = answer.u64()
				name := answer.text()
				found := answer.attributes()
				directory.entries = append(directory.entries, fuse.DirEntry{Name: name, Mode: found.Mode, Ino: found.Ino})
			}
			done = answer.flag() || answer.short
		}
	}
	for index := in.Offset; index < uint64(len(directory.entries)); index++ {
		entry := directory.entries[index]
		entry.Off = index + 1
		if !out.AddDirEntry(entry) {
			break
		}
	}
	return fuse.OK
}

func (f *fileSystem) ReleaseDir(in *fuse.ReleaseIn) {
	f.Release(nil, in)
}
