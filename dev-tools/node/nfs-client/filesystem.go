package main

import (
	"sync"
	"time"

	"github.com/hanwen/go-fuse/v2/fuse"
)

const (
	attributesFor = time.Second // how long the kernel may answer a stat of an open file or a directory by itself
	rootAnswersIn = 3 * time.Second
)

// node is an object that the kernel knows: its file handle, and what this client remembers of it.
type node struct {
	id     uint64
	handle string

	mutex   sync.Mutex
	lookups uint64
	opens   int
	seen    uint64 // the change attribute when it was last opened: what the kernel caches is of that state
	kept    *kept
	locks   map[uint64]*lockOwner
}

// kept is the name under which a removed file lives until its last close: the protocol knows no file without a name.
type kept struct {
	directory, name string
	as              credential
}

// fileSystem answers the kernel. Nothing is allowed or refused here: each request goes to the server in the name of the
// process that makes it, and names are not cached, so that no one walks through a directory that another may enter.
type fileSystem struct {
	fuse.RawFileSystem // what is not below is not supported
	client             *client
	kernel             *fuse.Server

	mutex    sync.Mutex
	nodes    map[uint64]*node
	handles  map[string]*node
	open     map[uint64]*openFile
	last     uint64
	rootSeen attributes
}

func newFileSystem(c *client, root string, seen attributes) *fileSystem {
	f := &fileSystem{
		RawFileSystem: fuse.NewDefaultRawFileSystem(), client: c,
		nodes: map[uint64]*node{}, handles: map[string]*node{}, open: map[uint64]*openFile{}, rootSeen: seen,
	}
	f.find(root)
	return f
}

func (f *fileSystem) String() string { return "nfs" }

func (f *fileSystem) Init(kernel *fuse.Server) { f.kernel = kernel }

// find is the node of a file handle, which the kernel now knows once more. The first is the root, fuse.FUSE_ROOT_ID.
func (f *fileSystem) find(handle string) *node {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	n := f.handles[handle]
	if n == nil {
		f.last++
		n = &node{id: f.last, handle: handle, locks: map[uint64]*lockOwner{}}
		f.nodes[n.id], f.handles[handle] = n, n
	}
	n.lookups++
	return n
}

func (f *fileSystem) node(id uint64) *node {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	return f.nodes[id]
}

func (f *fileSystem) Forget(id, count uint64) {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	if n := f.nodes[id]; n != nil {
		if n.lookups -= min(count, n.lookups); n.lookups == 0 && id != fuse.FUSE_ROOT_ID {
			delete(f.nodes, id)
			delete(f.handles, n.handle)
		}
	}
}

// run sends a request for a process.
func (f *fileSystem) run(cancel <-chan struct{}, pid uint32, as credential, request *compound) (*reply, fuse.Status) {
	answer, done := await(cancel, pid, func() *reply { return f.client.run(as, request) })
	switch {
	case !done:
		return nil, fuse.EINTR
	case answer.status != 0:
		return answer, fuse.Status(errno(answer.status))
	}
	return answer, fuse.OK
}

func (f *fileSystem) call(cancel <-chan struct{}, in *fuse.InHeader, request *compound) (*reply, fuse.Status) {
	return f.run(cancel, in.Pid, credentialOf(&in.Caller), request)
}

// entry ends a compound that leads to an object, runs it, and tells the kernel of the object.
func (f *fileSystem) entry(
	cancel <-chan struct{}, in *fuse.InHeader, request *compound, skip func(*reply), out *fuse.EntryOut,
) fuse.Status {
	request.op(opGetfh)
	request.getattr(statBits)
	answer, status := f.call(cancel, in, request)
	if status != fuse.OK {
		return status
	}
	answer.next() // PUTFH
	skip(answer)
	f.fill(out, answer.next().text(), answer.next().attributes())
	return fuse.OK
}

func (f *fileSystem) fill(out *fuse.EntryOut, handle string, found attributes) *node {
	n := f.find(handle)
	out.NodeId, out.Attr = n.id, found.Attr
	out.SetAttrTimeout(attributesFor)
	return n
}

func (f *fileSystem) Lookup(cancel <-chan struct{}, in *fuse.InHeader, name string, out *fuse.EntryOut) fuse.Status {
	request := on(f.node(in.NodeId).handle)
	request.op(opLookup).text(name)
	return f.entry(cancel, in, request, func(r *reply) { r.next() }, out)
}

func (f *fileSystem) GetAttr(cancel <-chan struct{}, in *fuse.GetAttrIn, out *fuse.AttrOut) fuse.Status {
	out.SetTimeout(attributesFor)
	as := credentialOf(&in.Caller)
	if in.NodeId != fuse.FUSE_ROOT_ID {
		answer, status := f.run(cancel, in.Pid, as, on(f.node(in.NodeId).handle).getattr(statBits))
		if status == fuse.OK {
			out.Attr = answer.next().next().attributes().Attr
		}
		return status
	}
	answer := f.soon(as, statBits)
	f.mutex.Lock()
	defer f.mutex.Unlock()
	if answer != nil {
		if answer.status != 0 {
			return fuse.Status(errno(answer.status))
		}
		f.rootSeen = answer.next().next().attributes()
	}
	out.Attr = f.rootSeen.Attr
	return fuse.OK
}

// soon asks about the root; nil when the server does not answer. Whoever unmounts looks at the root first, and must not
// wait for a server that is gone.
func (f *fileSystem) soon(as credential, wanted bitmap) *reply {
	answers := make(chan *reply, 1)
	go func() { answers <- f.client.run(as, on(f.node(fuse.FUSE_ROOT_ID).handle).getattr(wanted)) }()
	select {
	case answer := <-answers:
		return answer
	case <-time.After(rootAnswersIn):
		return nil
	}
}

func (f *fileSystem) SetAttr(cancel <-chan struct{}, in *fuse.SetAttrIn, out *fuse.AttrOut) fuse.Status {
	as := credentialOf(&in.Caller)
	if handle, asked := in.GetFh(); asked {
		if file := f.file(handle); file != nil {
			as = file.as
		}
	}
	request := changing(f.node(in.NodeId).handle)
	request.op(opSetattr).fixed(anonymous)
	requested(in).encode(&request.encoder)
	request.getattr(statBits)
	answer, status := f.run(cancel, in.Pid, as, request)
	if status == fuse.OK {
		answer.next().next().bitmap()
		out.Attr = answer.next().attributes().Attr
		out.SetTimeout(attributesFor)
	}
	return status
}

func (f *fileSystem) Access(cancel <-chan struct{}, in *fuse.AccessIn) fuse.Status {
	request := on(f.node(in.NodeId).handle)
	request.op(opAccess).u32(accessBits)
	answer, status := f.call(cancel, &in.InHeader, request)
	if status != fuse.OK {
		return status
	}
	answer.next().next().u32()
	granted := answer.u32()
	return allowed(granted, in.Mask&fuse.R_OK != 0, in.Mask&fuse.W_OK != 0, in.Mask&fuse.X_OK != 0)
}

const (
	accessRead, accessLookup, accessModify, accessExtend, accessExecute = 1, 2, 4, 8, 32

	accessBits = accessRead | accessLookup | accessModify | accessExtend | accessExecute
)

// allowed judges the server's answer; a file lacks LOOKUP and a directory EXECUTE.
func allowed(granted uint32, read, write, execute bool) fuse.Status {
	if read && granted&accessRead == 0 ||
		write && granted&(accessModify|accessExtend) == 0 ||
		execute && granted&(accessLookup|accessExecute) == 0 {
		return fuse.EACCES
	}
	return fuse.OK
}

func (f *fileSystem) Readlink(cancel <-chan struct{}, in *fuse.InHeader) ([]byte, fuse.Status) {
	request := on(f.node(in.NodeId).handle)
	request.op(opReadlink)
	answer, status := f.call(cancel, in, request)
	if status != fuse.OK {
		return nil, status
	}
	return answer.next().next().opaque(), fuse.OK
}

func (f *fileSystem) StatFs(_ <-chan struct{}, in *fuse.InHeader, out *fuse.StatfsOut) fuse.Status {
	const block = 4096
	out.Bsize, out.Frsize, out.NameLen = block, block, 255
	answer := f.soon(credentialOf(&in.Caller), statfsBits)
	if answer == nil {
		return fuse.OK
	}
	if answer.status != 0 {
		return fuse.Status(errno(answer.status))
	}
	answer.next().next().bitmap()
	values := decoder{bytes: answer.opaque()}
	values.u64() // files that this user may still make: as many as are free
	out.Ffree, out.Files = values.u64(), values.u64()
	out.Bavail, out.Bfree, out.Blocks = values.u64()/block, values.u64()/block, values.u64()/block
	return fuse.OK
}
