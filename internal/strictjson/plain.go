package strictjson

import (
	"encoding/binary"
	"math/bits"
	"slices"
)

// each has the value 1 in every byte of a word, and top has the top bit of every byte.
const each, top = 0x0101010101010101, 0x8080808080808080

// IsPlain reports whether text is ASCII without control characters. Most JSON that machines write
// is plain. Plain text needs no check for invalid UTF-8, nor for line feeds within strings.
//
// The loops check eight bytes at a time. Subtracting 0x20 from a byte below it borrows into the top
// bit, and a byte outside ASCII has the top bit set already.
func IsPlain(text []byte) bool {
	const words = 4 * 8
	for ; len(text) >= words; text = text[words:] {
		a, b := binary.LittleEndian.Uint64(text), binary.LittleEndian.Uint64(text[8:])
		c, d := binary.LittleEndian.Uint64(text[16:]), binary.LittleEndian.Uint64(text[24:])
		if (a|b|c|d|(a-' '*each)|(b-' '*each)|(c-' '*each)|(d-' '*each))&top != 0 {
			return false
		}
	}
	for ; len(text) >= 8; text = text[8:] {
		if word := binary.LittleEndian.Uint64(text); (word|(word-' '*each))&top != 0 {
			return false
		}
	}
	return !slices.ContainsFunc(text, func(c byte) bool { return c < ' ' || c >= 0x80 })
}

// quotationMark returns the offset of the next quotation mark in a plain text, or the length of the
// text. It checks eight bytes at a time: subtracting 1 from a byte that is 0 borrows into its top
// bit, and no byte before the first zero byte is affected.
func quotationMark(text string, at int) int {
	for ; len(text)-at >= 8; at += 8 {
		t := text[at : at+8]
		word := uint64(t[0]) | uint64(t[1])<<8 | uint64(t[2])<<16 | uint64(t[3])<<24 |
			uint64(t[4])<<32 | uint64(t[5])<<40 | uint64(t[6])<<48 | uint64(t[7])<<56
		if found := (word ^ '"'*each - each) & top; found != 0 {
			return at + bits.TrailingZeros64(found)/8
		}
	}
	for at < len(text) && text[at] != '"' {
		at++
	}
	return at
}
