package strictjson

// names are those of one object so far. The first ones are compared one by one, which needs no memory; beyond them a
// map keeps a text of thousands of names from costing their square.
type names struct {
	few   [24]string
	count int
	many  map[string]bool
}

// add reports whether a name is new.
func (n *names) add(name string) bool {
	if n.many == nil {
		for i := range n.count {
			if n.few[i] == name {
				return false
			}
		}
		if n.count < len(n.few) {
			n.few[n.count] = name
			n.count++
			return true
		}
		n.many = make(map[string]bool, 2*len(n.few))
		for _, old := range n.few {
			n.many[old] = true
		}
	}
	if n.many[name] {
		return false
	}
	n.many[name] = true
	return true
}
