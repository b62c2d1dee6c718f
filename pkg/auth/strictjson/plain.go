package strictjson

import (
	"encoding/binary"
	"slices"
)

// IsPlain reports whether a text is ASCII without control characters. Most JSON is, as machines write it, and nobody
// needs to look for broken UTF-8 in it, nor for line feeds in its strings.
//
// Eight bytes at a time: subtracting 0x20 from each borrows into the top bit of those below it, and beyond ASCII the
// top bit is set already.
func IsPlain(text []byte) bool {
	const each, top = 0x0101010101010101, 0x8080808080808080
	const words = 4 * 8
	for ; len(text) >= words; text = text[words:] {
		a, b := binary.LittleEndian.Uint64(text), binary.LittleEndian.Uint64(text[8:])
		c, d := binary.LittleEndian.Uint64(text[16:]), binary.LittleEndian.Uint64(text[24:])
		if (a|b|c|d|(a-' '*each)|(b-' '*each)|(c-' '*each)|(d-' '*each))&top != 0 {
			return false
		}
	}
	return !slices.ContainsFunc(text, func(c byte) bool { return c < ' ' || c >= 0x80 })
}
