package strictjson

// span is a part of the text by its offsets. A span holds no pointer, so that writing it costs the
// garbage collector no work.
type span struct{ begin, end int }

// names holds the names of one object read so far. The first names are compared one by one without
// an allocation. Further names go into a map, so that an object of thousands of names takes linear
// time.
type names struct {
	few   [24]span // with escapes, without quotation marks
	count int
	bits  uint64 // of the names in few: a name whose bit is unset is new
	many  map[string]bool
}

// add records a name and reports whether it is new. at is the place of the name in the text.
func (n *names) add(s *scanner, name string, at span) bool {
	if n.many == nil {
		bit := bitOf(name)
		if n.bits&bit != 0 && n.holds(s, name) {
			return false
		}
		n.bits |= bit
		if n.count < len(n.few) {
			n.few[n.count] = at
			n.count++
			return true
		}
		n.many = make(map[string]bool, 2*len(n.few))
		for _, old := range n.few {
			n.many[s.named(old)] = true
		}
	}
	if n.many[name] {
		return false
	}
	n.many[name] = true
	return true
}

func (n *names) holds(s *scanner, name string) bool {
	for _, at := range n.few[:n.count] {
		if s.named(at) == name {
			return true
		}
	}
	return false
}

// named returns the name at a place that was read before. The zero span is the empty name.
func (s *scanner) named(at span) string {
	if s.plain || at.begin == 0 {
		return s.text[at.begin:at.end]
	}
	again := scanner{text: s.text, at: at.begin - len(`"`)}
	name, _ := again.string()
	return name
}

// bitOf maps a name to one bit by its length, first and last byte.
func bitOf(name string) uint64 {
	if name == "" {
		return 1
	}
	return 1 << ((len(name) + 7*int(name[0]) + 11*int(name[len(name)-1])) & 63)
}
