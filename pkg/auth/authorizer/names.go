package authorizer

import "bytes"

// names remembers the names of the open objects, the innermost object last, to find duplicates. It
// has room for all names of an event.
type names struct {
	all     [64]span // with escapes, without quotation marks
	count   int
	last    span // the last name read
	objects [8]struct {
		first int // index of the object's first name in all
		bits  uint64
	}
	open int // current nesting depth
}

// span is a part of the text by its offsets. A span holds no pointer, so that writing it costs the
// garbage collector no work.
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

// once records the last name read. It fails if the innermost open object already has the name,
// because parsers would read different values from the text.
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

// bitOf maps a name to one bit by its length, first and last byte. A name whose bit is unset is
// new.
func bitOf(name []byte) uint64 {
	if len(name) == 0 {
		return 1
	}
	return 1 << ((len(name) + 7*int(name[0]) + 11*int(name[len(name)-1])) & 63)
}
