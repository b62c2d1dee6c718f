package strictjson

// span is a part of a text, by its offsets. Offsets are remembered rather than strings, because the garbage collector
// has work with every pointer that is written while it runs.
type span struct{ begin, end int }

// names are those of one object so far. The first ones are compared one by one, which needs no memory; beyond them a
// map keeps a text of thousands of names from costing their square.
type names struct {
	few   [24]span // as they are written, between the quotation marks
	count int
	bits  uint64 // of the first ones, of which two seldom share one: a name whose bit is not there is new
	many  map[string]bool
}

// add reports whether a name, which is written at a span of the text, is new.
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

// named returns the name at a span that has been read, and none at the zero span.
func (s *scanner) named(at span) string {
	if s.plain || at.begin == 0 {
		return s.text[at.begin:at.end]
	}
	again := scanner{text: s.text, at: at.begin - len(`"`)}
	name, _ := again.string()
	return name
}

// bitOf spreads names over the bits of a word by their lengths and ends.
func bitOf(name string) uint64 {
	if name == "" {
		return 1
	}
	return 1 << ((len(name) + 7*int(name[0]) + 11*int(name[len(name)-1])) & 63)
}
