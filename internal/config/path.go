package config

import (
	"bytes"
	"encoding/json"
	"errors"
	"strconv"
	"strings"
)

// PathError is an error about one member or element of EDGEAUTH_CONFIG. PathErrors nest: the
// outermost is the first step of the path.
type PathError struct {
	step  string // as messages print it
	name  string // of a member
	index int    // of an element; -1 for a member
	err   error
}

func (e *PathError) Error() string { return e.step + ": " + e.err.Error() }

// Unwrap returns the error without this step of the path.
func (e *PathError) Unwrap() error { return e.err }

// AtMember returns err as the error about a member of the outermost object, or nil if err is nil.
func AtMember(name string, err error) error {
	if err == nil {
		return nil
	}
	return &PathError{name, name, -1, err}
}

// AtElement returns err as the error about an element of an array, which counts from 0, or nil if
// err is nil.
func AtElement(index int, err error) error {
	if err == nil {
		return nil
	}
	return &PathError{"number " + strconv.Itoa(index+1), "", index, err}
}

// AtName returns err as the error about a member of an inner object, or nil if err is nil. Messages
// quote its name, which the author of the document may have chosen.
func AtName(name string, err error) error {
	if err == nil {
		return nil
	}
	return &PathError{strconv.Quote(name), name, -1, err}
}

// Place is a value inside EDGEAUTH_CONFIG.
type Place struct {
	Path  string // the steps, as messages print them; empty for the whole text
	Value string // the JSON text of the value; empty if the document leaves it out
	Line  int    // the line of the value, from 1, or of the last value of the path that exists
	Err   error  // what is wrong with the value, without the path
}

// Locate returns the value of document that err is about. It returns false if err names no path.
func Locate(document []byte, err error) (Place, bool) {
	var at *PathError
	if !errors.As(err, &at) {
		return Place{}, false
	}
	p := Place{}
	var steps []string
	value, offset, found := document, 0, true
	for ; at != nil; at, _ = at.err.(*PathError) {
		steps, p.Err = append(steps, at.step), at.err
		start := 0
		if found {
			value, start, found = at.in(value)
		}
		offset += start
	}
	p.Path, p.Line = strings.Join(steps, ": "), LineOf(document, offset)
	if found {
		p.Value = string(value)
	}
	return p, true
}

// LineOf returns the line number, from 1, of a byte of a text.
func LineOf(text []byte, offset int) int {
	return 1 + bytes.Count(text[:min(max(offset, 0), len(text))], []byte("\n"))
}

// in returns the value of this step in an object or array, and where it begins.
func (e *PathError) in(text []byte) (value []byte, start int, found bool) {
	d := json.NewDecoder(bytes.NewReader(text))
	if _, err := d.Token(); err != nil {
		return nil, 0, false
	}
	for i := 0; d.More(); i++ {
		this := i == e.index
		if e.index < 0 {
			name, err := d.Token()
			if err != nil {
				return nil, 0, false
			}
			this = name == e.name
		}
		var raw json.RawMessage
		if d.Decode(&raw) != nil {
			return nil, 0, false
		}
		if this {
			return raw, int(d.InputOffset()) - len(raw), true
		}
	}
	return nil, 0, false
}
