package strictjson

// Reader reads one object from left to right, once, and each value as what it should be. It needs no memory of its
// own but for objects of more than 24 names and strings with escapes:
//
//	r := strictjson.Read(text)
//	for r.Next() {
//		switch r.Name() {
//		case "alg":
//			alg = r.Text()
//		default:
//			own = r.Raw()
//		}
//	}
//	err := r.Err()
//
// Whatever is not asked for is checked all the same. The first error ends the reading: every value is zero from then
// on, so nothing that was read is good before Err has said so.
type Reader struct {
	scanner
	names names
	name  span
	fresh bool // the next byte begins the value of name, which nobody has read
	begun bool
	err   error
}

// Read begins to read the one object that text must hold.
func Read(text string) Reader {
	s, err := begin(text)
	return Reader{scanner: s, err: err}
}

// Next steps to the next member and reports whether there is one.
func (r *Reader) Next() bool {
	if r.fresh {
		r.Raw()
	}
	if r.err != nil {
		return false
	}
	if r.plain && r.nextPlain() {
		return true
	}
	more, err := r.step()
	if more && err == nil {
		r.name, err = r.member(&r.names)
		r.fresh = err == nil
	}
	if !more && err == nil {
		err = r.end()
	}
	r.keep(err)
	return r.fresh
}

func (r *Reader) step() (more bool, err error) {
	switch {
	case !r.begun:
		r.begun = true
		return r.open('{', '}', "an object")
	case r.depth > 0:
		return r.more('}')
	}
	return false, nil
}

// nextPlain is Next between two members of a plain text without white space, as tokens are. It reports false for
// everything else, and changes nothing then.
func (r *Reader) nextPlain() bool {
	text, at := r.text, r.at
	if r.depth != 1 || len(text)-at < len(`,"":0`) || text[at] != ',' || text[at+1] != '"' {
		return false
	}
	begin := at + len(`,"`)
	end := quotationMark(text, begin)
	value := end + len(`":`)
	if value >= len(text) || text[end+1] != ':' || text[value] == ' ' ||
		!r.names.add(&r.scanner, text[begin:end], span{begin, end}) {
		return false
	}
	r.name, r.at, r.fresh = span{begin, end}, value, true
	return true
}

// keep remembers the first error.
func (r *Reader) keep(err error) {
	if err != nil {
		r.err = err
	}
}

// Name returns the member's name, unescaped.
func (r *Reader) Name() string { return r.named(r.name) }

// Text returns the value, which must be a string.
func (r *Reader) Text() string {
	if !r.wants('"', "a string") {
		return ""
	}
	value, err := r.string()
	r.keep(err)
	return value
}

// Integer returns the value, which must be an integer as the function Integer defines it.
func (r *Reader) Integer() int64 {
	if !r.due() {
		return 0
	}
	if c := r.peek(); c != '-' && !isDigit(c) {
		r.mistyped("an integer")
		return 0
	}
	value, err := r.integer()
	r.keep(err)
	return value
}

// IsArray reports whether the value, not yet read, is an array.
func (r *Reader) IsArray() bool { return r.fresh && r.peek() == '[' }

// Strings appends the elements of the value, which must be an array of strings.
func (r *Reader) Strings(to []string) []string {
	if !r.wants('[', "an array") {
		return to
	}
	all := to
	more, err := r.open('[', ']', "an array")
	for more && err == nil {
		var element string
		if element, err = r.string(); err == nil {
			all = append(all, element)
			more, err = r.more(']')
		}
	}
	if err != nil {
		r.err = err
		return to
	}
	return all
}

// Raw returns the text of the value, whatever it is.
func (r *Reader) Raw() string {
	if !r.due() {
		return ""
	}
	text, err := r.raw()
	r.keep(err)
	return text
}

// Err returns what is wrong with the text, once Next has returned false.
func (r *Reader) Err() error { return r.err }

// due reports whether there is a value to read, and marks it as read.
func (r *Reader) due() bool {
	due := r.fresh && r.err == nil
	r.fresh = false
	return due
}

// wants also looks at the value's first byte.
func (r *Reader) wants(first byte, kind string) bool {
	if !r.due() {
		return false
	}
	if r.peek() != first {
		r.mistyped(kind)
		return false
	}
	return true
}

// mistyped refuses a value of another kind. It may also be no JSON at all, which is said first.
func (r *Reader) mistyped(kind string) {
	wrong := r.want(kind)
	if r.err = r.value(); r.err == nil {
		r.err = wrong
	}
}
