// Package strictjson parses untrusted JSON and accepts only texts that every parser reads in the
// same way.
//
//	object, err := strictjson.Object([]byte(`{"role":"reader"}`))
//	role, err := strictjson.String(object["role"])
//
// Package encoding/json is lenient: the last of two equal names wins, "ROLE" fills the field of
// "role", and invalid UTF-8 becomes U+FFFD. Two programs can therefore read different values from
// one text. If one program checks a value and another uses it, the difference is an attack (RFC
// 8725, section 2.4; RFC 8259, section 4). This package refuses ambiguous texts and looks up
// members by their exact names; it does not decode into structs.
//
// Authorizer events have a scanner in package authorizer, whose comment says why, with figures.
//
// An error wraps one of the errors below and adds a byte offset. It never contains a part of the
// input and is safe to log. All functions are pure and safe for concurrent use.
package strictjson

import (
	"encoding/json"
	"errors"
	"fmt"
)

// The errors of this package.
var (
	ErrSyntax    = errors.New("not valid JSON")
	ErrUTF8      = errors.New("not valid UTF-8")
	ErrSurrogate = errors.New("unpaired surrogate escape")
	ErrDuplicate = errors.New("duplicate name in an object")
	ErrNesting   = fmt.Errorf("nested deeper than %d levels", MaxDepth)
	ErrTrailing  = errors.New("data follows the JSON value")
	ErrType      = errors.New("wrong JSON type")
)

// typeError is an ErrType that says which type was expected.
type typeError string

func (e typeError) Error() string      { return string(e) }
func (typeError) Is(target error) bool { return target == ErrType }

// placedError is an error with the place in the text.
type placedError struct {
	err error
	at  int // byte offset
}

func (e *placedError) Error() string { return fmt.Sprintf("%v (at byte %d)", e.err, e.at) }
func (e *placedError) Unwrap() error { return e.err }

// Offset returns the byte offset in the parsed text that an error of this package is about.
func Offset(err error) (offset int, ok bool) {
	var e *placedError
	if !errors.As(err, &e) {
		return 0, false
	}
	return e.at, true
}

// MaxDepth is the maximum number of objects and arrays that are open at once, including the
// outermost.
const MaxDepth = 8

// Text is a JSON text: a string, a byte slice or a json.RawMessage.
type Text interface{ ~string | ~[]byte }

// Member is one member of an object: its name without escapes, and the JSON text of its value.
type Member struct{ Name, Raw string }

// Members parses exactly one JSON object and returns its members in the order of the text. The
// strings are slices of text.
func Members(text string) ([]Member, error) {
	members := make([]Member, 0, 16)
	r := Read(text)
	for r.Next() {
		members = append(members, Member{Name: r.Name(), Raw: r.Raw()})
	}
	if err := r.Err(); err != nil {
		return nil, err
	}
	return members, nil
}

// Object parses exactly one JSON object and returns the JSON text of its values by their exact
// names.
func Object(data []byte) (map[string]json.RawMessage, error) {
	members, err := Members(string(data))
	if err != nil {
		return nil, err
	}
	object := make(map[string]json.RawMessage, len(members))
	for _, m := range members {
		object[m.Name] = json.RawMessage(m.Raw)
	}
	return object, nil
}

// Array parses a JSON array and returns the JSON text of its elements.
func Array[T Text](raw T) ([]json.RawMessage, error) {
	s, err := begin(string(raw))
	if err != nil {
		return nil, err
	}
	elements := []json.RawMessage{}
	more, err := s.open('[', ']', "a JSON array")
	for more && err == nil {
		var element string
		if element, err = s.raw(); err == nil {
			elements = append(elements, json.RawMessage(element))
			more, err = s.more(']')
		}
	}
	return finish(&s, elements, err)
}

// String parses a JSON string and returns its value. The empty text, which a map returns for a
// missing member, is an ErrType.
func String[T Text](raw T) (string, error) {
	s, err := begin(string(raw))
	if err != nil {
		return "", err
	}
	value, err := s.string()
	return finish(&s, value, err)
}

// Strings parses a JSON array of strings and returns their values.
func Strings[T Text](raw T) ([]string, error) {
	elements, err := Array(raw)
	if err != nil {
		return nil, err
	}
	values := make([]string, len(elements))
	for i, element := range elements {
		if values[i], err = String(element); err != nil {
			return nil, err
		}
	}
	return values, nil
}

// Integer parses a JSON integer of 64 bits. It refuses 1.0, 1e3 and -0, because parsers disagree on
// whether they are integers.
func Integer[T Text](raw T) (int64, error) {
	s, err := begin(string(raw))
	if err != nil {
		return 0, err
	}
	value, err := s.integer()
	return finish(&s, value, err)
}
