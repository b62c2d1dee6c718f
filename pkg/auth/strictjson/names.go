package strictjson

// names collects the members of one object. Up to scanned of them are compared one by one, which needs no memory;
// with more, a map keeps a text of thousands of names from costing their square.
type names struct {
	members []Member
	seen    map[string]bool
}

const scanned = 24

func (n *names) has(name string) bool {
	if n.seen != nil {
		return n.seen[name]
	}
	for _, m := range n.members {
		if m.Name == name {
			return true
		}
	}
	return false
}

func (n *names) add(m Member) {
	n.members = append(n.members, m)
	switch {
	case n.seen != nil:
		n.seen[m.Name] = true
	case len(n.members) == scanned:
		n.seen = make(map[string]bool, 2*scanned)
		for _, m := range n.members {
			n.seen[m.Name] = true
		}
	}
}
