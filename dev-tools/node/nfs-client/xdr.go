package main

import "encoding/binary"

// encoder appends XDR (RFC 4506): big-endian numbers, and bytes padded to four.
type encoder struct{ bytes []byte }

func (e *encoder) u32(values ...uint32) {
	for _, value := range values {
		e.bytes = binary.BigEndian.AppendUint32(e.bytes, value)
	}
}

func (e *encoder) u64(values ...uint64) {
	for _, value := range values {
		e.bytes = binary.BigEndian.AppendUint64(e.bytes, value)
	}
}

func (e *encoder) flag(value bool) {
	if value {
		e.u32(1)
	} else {
		e.u32(0)
	}
}

func (e *encoder) fixed(value []byte) { e.bytes = append(e.bytes, value...) }

func (e *encoder) opaque(value []byte) {
	e.u32(uint32(len(value)))
	e.bytes = append(e.bytes, value...)
	e.bytes = append(e.bytes, make([]byte, padding(len(value)))...)
}

func (e *encoder) text(value string) { e.opaque([]byte(value)) }

func padding(length int) int { return (4 - length%4) % 4 }

// decoder takes XDR apart. What ends too early reads as zeros, and `short` says so at the end.
type decoder struct {
	bytes []byte
	short bool
}

func (d *decoder) fixed(length int) []byte {
	if length < 0 || length > len(d.bytes) {
		d.short, d.bytes = true, nil
		return make([]byte, min(max(length, 0), 16))
	}
	taken := d.bytes[:length]
	d.bytes = d.bytes[length:]
	return taken
}

func (d *decoder) u32() uint32 { return binary.BigEndian.Uint32(d.fixed(4)) }
func (d *decoder) u64() uint64 { return binary.BigEndian.Uint64(d.fixed(8)) }
func (d *decoder) flag() bool  { return d.u32() != 0 }

func (d *decoder) opaque() []byte {
	length := int(d.u32())
	value := d.fixed(length)
	if !d.short {
		d.fixed(min(padding(length), len(d.bytes)))
	}
	return value
}

func (d *decoder) text() string { return string(d.opaque()) }
