package authorizer

import "bytes"

// names are those that were read of the open objects and may not come again: the innermost object's are the last. Our
// events have no more.
type names struct {
	all     [64]span // as they are written, between the quotation marks
	count   int
	last    span // of the name that was read last
	objects [8]struct {
		first int // of its names
		bits  uint64
	}
	open int // objects that are being read, which stand in each other
}

// span is a part of the text, by its offsets. Offsets are remembered rather than slices, because the garbage collector
// has work with every pointer that is written while it runs.
type span struct{ begin, end int }

func (n *names) enter() {
	n.open++
	o := &n.objects[n.open]
	o.first, o.bits = n.count, 0
}

func (n *names) leave() {
	n.count = n.objects[n.open].first
	n.open--
}

// once fails where the innermost open object had the name before, which is the one read last: the text would have two
// readings.
func (s *scanner) once(name []byte) {
	n := &s.names
	o := &n.objects[n.open]
	bit := bitOf(name)
	if n.count == len(n.all) || o.bits&bit != 0 && s.had(name, n.all[o.first:n.count]) {
		s.fail()
		return
	}
	o.bits |= bit
	n.all[n.count] = n.last
	n.count++
}

func (s *scanner) had(name []byte, among []span) bool {
	for _, at := range among {
		other := s.text[at.begin:at.end]
		if s.escaped {
			other = unescaped(s.text[at.begin-1 : at.end+1])
		}
		if bytes.Equal(other, name) {
			return true
		}
	}
	return false
}

// bitOf spreads names over the bits of a word by their lengths and ends: a name whose bit is not there is new.
func bitOf(name []byte) uint64 {
	if len(name) == 0 {
		return 1
	}
	return 1 << ((len(name) + 7*int(name[0]) + 11*int(name[len(name)-1])) & 63)
}
