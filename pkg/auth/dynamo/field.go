package dynamo

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/user"
)

// attribute is the name of an attribute and the address of its value.
type attribute struct {
	name string
	at   field
}

// field is the address of a Go value that is stored in an attribute.
type field interface {
	// value returns the stored form, or nil if the attribute is left out.
	value() (types.AttributeValue, error)
	// read reads the value from r. An absent attribute is the zero value.
	read(r *reader, name string)
	// form renders the condition that the attribute is missing or that read accepts it.
	form(e *expression, name string) string
}

// assign renders the update that stores a first attribute and all others, and removes the
// attributes that have no stored form.
func (e *expression) assign(first string, value types.AttributeValue, others []attribute) (string, error) {
	set, remove := e.name(first)+" = "+e.value(value), ""
	for _, a := range others {
		v, err := a.at.value()
		switch {
		case err != nil:
			return "", fmt.Errorf("attribute %s: %w", a.name, err)
		case v != nil:
			set += ", " + e.name(a.name) + " = " + e.value(v)
		default:
			remove += ", " + e.name(a.name)
		}
	}
	if remove == "" {
		return "SET " + set, nil
	}
	return "SET " + set + " REMOVE " + remove[len(", "):], nil
}

// The stored forms of attributes, one type for each form.
type (
	textField   string         // always present, also if empty
	optionField string         // left out if empty
	secretField auth.Secret    // a text, left out if empty
	wordsField  []string       // joined by spaces, left out if empty; no entry contains a space
	jsonField   map[string]any // a JSON object as a text, left out if empty
	flagField   bool           // always present
	markField   bool           // left out if false
	uintField   uint64         // always present
	countField  uint64         // left out if zero
	digestField [32]byte       // left out if zero
	timeField   time.Time      // milliseconds since 1970, left out if zero

	pointersField []user.Pointer // a set of pointer keys, left out if empty
	setField      []string       // a set in ascending order, left out if empty
)

func optionalText(s string) types.AttributeValue {
	if s == "" {
		return nil
	}
	return str(s)
}

func (f *textField) value() (types.AttributeValue, error) { return str(string(*f)), nil }
func (f *textField) read(r *reader, name string)          { *f = textField(r.text(name)) }

func (f *optionField) value() (types.AttributeValue, error) { return optionalText(string(*f)), nil }
func (f *optionField) read(r *reader, name string)          { *f = optionField(r.text(name)) }

func (f *secretField) value() (types.AttributeValue, error) {
	return optionalText(auth.Secret(*f).Reveal()), nil
}

func (f *secretField) read(r *reader, name string) {
	if text := r.text(name); text != "" {
		*f = secretField(auth.NewSecret(text))
	}
}

func (f *wordsField) value() (types.AttributeValue, error) {
	return optionalText(strings.Join(*f, " ")), nil
}
func (f *wordsField) read(r *reader, name string) { *f = r.list(name) }

func (f *jsonField) value() (types.AttributeValue, error) {
	if len(*f) == 0 {
		return nil, nil
	}
	raw, err := json.Marshal(*f)
	return str(string(raw)), err
}

func (f *jsonField) read(r *reader, name string) {
	if r.item[name] == nil {
		return
	}
	text := r.text(name)
	if !strings.HasPrefix(text, "{") || json.Unmarshal([]byte(text), f) != nil {
		r.wrong(name)
	}
}

func (f *flagField) value() (types.AttributeValue, error) { return yes(bool(*f)), nil }
func (f *flagField) read(r *reader, name string)          { *f = flagField(r.flag(name)) }

func (f *uintField) value() (types.AttributeValue, error) { return num(uint64(*f)), nil }
func (f *uintField) read(r *reader, name string)          { *f = uintField(r.uint(name)) }

func (f *timeField) value() (types.AttributeValue, error) {
	if time.Time(*f).IsZero() {
		return nil, nil
	}
	return ms(time.Time(*f)), nil
}
func (f *timeField) read(r *reader, name string) { *f = timeField(r.time(name)) }

func (f *markField) value() (types.AttributeValue, error) {
	if !*f {
		return nil, nil
	}
	return yes(true), nil
}
func (f *markField) read(r *reader, name string) { *f = markField(r.flag(name)) }

func (f *countField) value() (types.AttributeValue, error) {
	if *f == 0 {
		return nil, nil
	}
	return num(uint64(*f)), nil
}
func (f *countField) read(r *reader, name string) { *f = countField(r.uint(name)) }

func (f *digestField) value() (types.AttributeValue, error) {
	if *f == (digestField{}) {
		return nil, nil
	}
	return bin(f[:]), nil
}

func (f *digestField) read(r *reader, name string) {
	if r.item[name] != nil {
		r.bytes(name, f[:])
	}
}

func (f *pointersField) value() (types.AttributeValue, error) {
	if len(*f) == 0 {
		return nil, nil
	}
	return pointerSet(*f), nil
}

func pointerSet(pointers []user.Pointer) types.AttributeValue {
	set := &types.AttributeValueMemberSS{}
	for _, p := range pointers {
		set.Value = append(set.Value, p.Key())
	}
	return set
}

func (f *pointersField) read(r *reader, name string) {
	if r.item[name] == nil {
		return
	}
	keys := r.set(name)
	all := make([]user.Pointer, len(keys))
	for i, key := range keys {
		if all[i].UnmarshalText([]byte(key)) != nil {
			r.wrong(name)
		}
	}
	*f = user.SortPointers(all) // a set has no order
}

func (f *setField) value() (types.AttributeValue, error) {
	if len(*f) == 0 {
		return nil, nil
	}
	return &types.AttributeValueMemberSS{Value: *f}, nil
}
func (f *setField) read(r *reader, name string) { *f = r.set(name) }

func (*textField) form(e *expression, name string) string     { return e.isText(name) }
func (*optionField) form(e *expression, name string) string   { return e.isText(name) }
func (*secretField) form(e *expression, name string) string   { return e.isText(name) }
func (*wordsField) form(e *expression, name string) string    { return e.isText(name) }
func (*pointersField) form(e *expression, name string) string { return e.hasType(name, "SS") }
func (*setField) form(e *expression, name string) string      { return e.hasType(name, "SS") }
func (*jsonField) form(e *expression, name string) string     { return e.isObject(name) }
func (*flagField) form(e *expression, name string) string     { return e.isFlag(name) }
func (*markField) form(e *expression, name string) string     { return e.isFlag(name) }
func (*uintField) form(e *expression, name string) string     { return e.isNumber(name) }
func (*countField) form(e *expression, name string) string    { return e.isNumber(name) }
func (*timeField) form(e *expression, name string) string     { return e.isNumber(name) }
func (f *digestField) form(e *expression, name string) string { return e.isBytes(name, len(f)) }
