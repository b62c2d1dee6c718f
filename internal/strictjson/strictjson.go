// Package strictjson reads JSON that a stranger wrote, and takes exactly one reading of it.
//
// Package encoding/json is lenient in ways that let two programs read two things from one text: the last of two
// equal names wins, "ROLE" fills the field of "role", and broken UTF-8 turns into U+FFFD. Whatever passes a check in
// one reading and is used in the other is an attack (RFC 8725, section 2.4; RFC 8259, section 4). So nothing here
// decodes into structs: members are looked up by their exact names, and a text with two readings has none.
//
// Errors hold a sentinel and an offset in bytes, never a byte of the input, and may be logged. All functions are
// pure and safe for concurrent use.
package strictjson

import (
	"encoding/json"
	"errors"
	"fmt"
)

// What can be wrong with a text.
var (
	ErrSyntax    = errors.New("not valid JSON")
	ErrUTF8      = errors.New("not valid UTF-8")
	ErrSurrogate = errors.New("an escape names one half of a surrogate pair")
	ErrDuplicate = errors.New("an object has the same name twice")
	ErrNesting   = fmt.Errorf("nested deeper than %d levels", MaxDepth)
	ErrTrailing  = errors.New("data follows the JSON value")
	ErrType      = errors.New("another JSON type")
)

// MaxDepth is how many objects and arrays may be open at once, the outermost included.
const MaxDepth = 8

// Text is JSON text: a string, bytes, or a json.RawMessage.
type Text interface{ ~string | ~[]byte }

// Member is one member of an object: its name after unescaping, and the text of its value.
type Member struct{ Name, Raw string }

// Members parses exactly one JSON object and returns its members in the order of the text, of which they are slices.
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

// Object parses exactly one JSON object and returns its members by their exact names.
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

// Array returns the elements of a JSON array.
func Array[T Text](raw T) ([]json.RawMessage, error) {
	s, err := begin(string(raw))
	if err != nil {
		return nil, err
	}
	elements := []json.RawMessage{}
	more, err := s.open('[', ']', "an array")
	for more && err == nil {
		var element string
		if element, err = s.raw(); err == nil {
			elements = append(elements, json.RawMessage(element))
			more, err = s.more(']')
		}
	}
	return finish(&s, elements, err)
}

// String returns the value of a JSON string. The empty text of a missing member is none.
func String[T Text](raw T) (string, error) {
	s, err := begin(string(raw))
	if err != nil {
		return "", err
	}
	value, err := s.string()
	return finish(&s, value, err)
}

// Strings returns the elements of a JSON array of strings.
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

// Integer returns the value of a JSON number that is spelled as an integer and fits. 1.0, 1e3 and -0 are other
// spellings, which are equal to an integer for some readers and not for others.
func Integer[T Text](raw T) (int64, error) {
	s, err := begin(string(raw))
	if err != nil {
		return 0, err
	}
	value, err := s.integer()
	return finish(&s, value, err)
}
