package strictjson

// Reader reads one object from left to right. Each value is read as the type that the caller
// expects. Reader allocates only for objects with more than 24 names and for strings with escapes:
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
// Values that the caller does not read are checked too. The first error ends the reading, and every
// value is zero from then on. Do not use any value before Err returns nil.
type Reader struct {
	scanner
	names names
	name  span
	fresh bool // the value of name has not been read
	begun bool
	err   error
}

// Read returns a Reader of text, which must hold exactly one object.
func Read(text string) Reader {
	s, err := begin(text)
	return Reader{scanner: s, err: err}
}

// Next moves to the next member and reports whether there is one.
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
		return r.open('{', '}', "a JSON object")
	case r.depth > 0:
		return r.more('}')
	}
	return false, nil
}

// nextPlain is a fast path of Next for the second and later members of a plain text without white
// space, the usual form of tokens. In any other case it returns false and changes nothing.
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

// keep records an error.
func (r *Reader) keep(err error) {
	if err != nil {
		r.err = err
	}
}

// Name returns the name of the current member, without escapes.
func (r *Reader) Name() string { return r.named(r.name) }

// Text returns the current value, which must be a string.
func (r *Reader) Text() string {
	if !r.wants('"', "a JSON string") {
		return ""
	}
	value, err := r.string()
	r.keep(err)
	return value
}

// Integer returns the current value, which must be an integer as defined by the function [Integer].
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

// IsArray reports whether the current value is an array. Call it before the value is read.
func (r *Reader) IsArray() bool { return r.fresh && r.peek() == '[' }

// Strings appends the elements of the current value, which must be an array of strings.
func (r *Reader) Strings(to []string) []string {
	if !r.wants('[', "a JSON array") {
		return to
	}
	all := to
	more, err := r.open('[', ']', "a JSON array")
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

// Raw returns the JSON text of the current value of any type.
func (r *Reader) Raw() string {
	if !r.due() {
		return ""
	}
	text, err := r.raw()
	r.keep(err)
	return text
}

// Err returns the error that ended the reading, or nil. Call it after Next has returned false.
func (r *Reader) Err() error { return r.err }

// due reports whether there is an unread value, and marks the value as read.
func (r *Reader) due() bool {
	due := r.fresh && r.err == nil
	r.fresh = false
	return due
}

// wants is like due, and also checks the first byte of the value.
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

// mistyped records a type error. If the value is not valid JSON, it records the syntax error
// instead.
func (r *Reader) mistyped(kind string) {
	wrong := r.want(kind)
	if r.err = r.value(); r.err == nil {
		r.err = wrong
	}
}
