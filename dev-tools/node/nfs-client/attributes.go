package main

import (
	"strconv"
	"strings"
	"time"

	"github.com/hanwen/go-fuse/v2/fuse"
)

// Attributes of RFC 8881, section 5.8, in the order of their numbers, which is the order on the wire.
const (
	attrType       = 1
	attrChange     = 3
	attrSize       = 4
	attrFileid     = 20
	attrFilesAvail = 21
	attrFilesFree  = 22
	attrFilesTotal = 23
	attrMode       = 33
	attrLinks      = 35
	attrOwner      = 36
	attrGroup      = 37
	attrRawdev     = 41
	attrSpaceAvail = 42
	attrSpaceFree  = 43
	attrSpaceTotal = 44
	attrSpaceUsed  = 45
	attrAtime      = 47
	attrAtimeSet   = 48
	attrCtime      = 52
	attrMtime      = 53
	attrMtimeSet   = 54
)

type bitmap [2]uint32

func bits(numbers ...uint) bitmap {
	var b bitmap
	for _, number := range numbers {
		b[number/32] |= 1 << (number % 32)
	}
	return b
}

func (b bitmap) has(number uint) bool { return b[number/32]&(1<<(number%32)) != 0 }

func (b bitmap) encode(e *encoder) { e.u32(2, b[0], b[1]) }

var (
	statBits = bits(attrType, attrChange, attrSize, attrFileid, attrMode, attrLinks, attrOwner, attrGroup, attrRawdev,
		attrSpaceUsed, attrAtime, attrCtime, attrMtime)
	entryBits  = bits(attrType, attrFileid)
	statfsBits = bits(attrFilesAvail, attrFilesFree, attrFilesTotal, attrSpaceAvail, attrSpaceFree, attrSpaceTotal)
)

// Unix's file types by NFS's: regular, directory, block, character, link, socket, FIFO.
var typeBits = []uint32{0, fuse.S_IFREG, fuse.S_IFDIR, 0o060000, 0o020000, fuse.S_IFLNK, 0o140000, fuse.S_IFIFO}

type attributes struct {
	fuse.Attr
	change uint64
}

func (d *decoder) bitmap() bitmap {
	var b bitmap
	for index := range d.u32() {
		word := d.u32()
		if index < 2 {
			b[index] = word
		}
		if d.short {
			break
		}
	}
	return b
}

func (d *decoder) time() (uint64, uint32) { return d.u64(), d.u32() }

// attributes reads what the server sent of statBits.
func (d *decoder) attributes() attributes {
	there := d.bitmap()
	values := decoder{bytes: d.opaque()}
	var a attributes
	if there.has(attrType) {
		a.Mode = typeBits[values.u32()%8]
	}
	if there.has(attrChange) {
		a.change = values.u64()
	}
	if there.has(attrSize) {
		a.Size = values.u64()
	}
	if there.has(attrFileid) {
		a.Ino = values.u64()
	}
	if there.has(attrMode) {
		a.Mode |= values.u32() & 0o7777
	}
	if there.has(attrLinks) {
		a.Nlink = values.u32()
	}
	if there.has(attrOwner) {
		a.Uid = number(values.text())
	}
	if there.has(attrGroup) {
		a.Gid = number(values.text())
	}
	if there.has(attrRawdev) {
		major, minor := values.u32(), values.u32()
		a.Rdev = minor&0xff | major<<8 | (minor&^0xff)<<12
	}
	if there.has(attrSpaceUsed) {
		a.Blocks = values.u64() / 512
	}
	if there.has(attrAtime) {
		a.Atime, a.Atimensec = values.time()
	}
	if there.has(attrCtime) {
		a.Ctime, a.Ctimensec = values.time()
	}
	if there.has(attrMtime) {
		a.Mtime, a.Mtimensec = values.time()
	}
	a.Blksize = largestData
	return a
}

// number is an owner or group; the server sends names as decimal numbers, or nobody's.
func number(owner string) uint32 {
	name, _, _ := strings.Cut(owner, "@")
	if name == "root" {
		return 0
	}
	if id, err := strconv.ParseUint(name, 10, 32); err == nil {
		return uint32(id)
	}
	return 65534
}

// change is the attributes that a SETATTR or a creation sets, added in the order of their numbers.
type change struct {
	set bitmap
	encoder
}

func (c *change) add(attribute uint) *change {
	c.set[attribute/32] |= 1 << (attribute % 32)
	return c
}

func (c *change) encode(e *encoder) {
	c.set.encode(e)
	e.opaque(c.bytes)
}

func modeOnly(mode uint32) *change {
	c := &change{}
	c.add(attrMode).u32(mode & 0o7777)
	return c
}

// requested are the changes that the kernel asks for.
func requested(in *fuse.SetAttrIn) *change {
	c := &change{}
	if size, asked := in.GetSize(); asked {
		c.add(attrSize).u64(size)
	}
	if mode, asked := in.GetMode(); asked {
		c.add(attrMode).u32(mode)
	}
	if uid, asked := in.GetUID(); asked {
		c.add(attrOwner).text(strconv.FormatUint(uint64(uid), 10))
	}
	if gid, asked := in.GetGID(); asked {
		c.add(attrGroup).text(strconv.FormatUint(uint64(gid), 10))
	}
	if at, asked := in.GetATime(); asked {
		c.add(attrAtimeSet).instant(at, in.Valid&fuse.FATTR_ATIME_NOW != 0)
	}
	if at, asked := in.GetMTime(); asked {
		c.add(attrMtimeSet).instant(at, in.Valid&fuse.FATTR_MTIME_NOW != 0)
	}
	return c
}

func (c *change) instant(at time.Time, now bool) {
	if now {
		c.u32(0) // the server's clock
		return
	}
	c.u32(1)
	c.u64(uint64(at.Unix()))
	c.u32(uint32(at.Nanosecond()))
}
