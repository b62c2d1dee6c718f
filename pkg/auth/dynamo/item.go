package dynamo

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/edgeauth/edgeauth/pkg/auth"
)

// attributes is an item.
type attributes = map[string]types.AttributeValue

// schemaVersion stands in every item as "v".
//
// Several versions of the program work on one table at the same time: while a deployment is under way, and after one
// that was rolled back. So these rules hold for every change of what items hold:
//
//   - A new attribute does not raise the version. Code that does not know it leaves it as it is: an item is changed by
//     an update of the attributes that this version knows, never put as a whole over another.
//   - The version of an item rises when the older code would misread it, and one release after the release whose code
//     reads the new version: no version of the program that may still run meets an item that it cannot read.
//   - An item that cannot be read, because its version is another or an attribute has an unexpected form, is
//     auth.ErrUnavailable (503 on the wire). It is never taken for missing or ended, and the version is a condition of
//     every write, so that nothing is written to an item of a later version. The form of the attributes is a condition
//     of every write to a user or a counter; see form.go.
//
// Package bolt keeps the same rules. storetest holds both to them, and to the items in testdata, which earlier code
// wrote.
const schemaVersion = 1

func str(s string) types.AttributeValue { return &types.AttributeValueMemberS{Value: s} }
func bin(b []byte) types.AttributeValue { return &types.AttributeValueMemberB{Value: b} }
func yes(b bool) types.AttributeValue   { return &types.AttributeValueMemberBOOL{Value: b} }
func num[N int | int64 | uint64 | uint8](n N) types.AttributeValue {
	return &types.AttributeValueMemberN{Value: fmt.Sprint(n)}
}

// ms is how items keep times: milliseconds since 1970, 0 for none.
func ms(t time.Time) types.AttributeValue {
	if t.IsZero() {
		return num(0)
	}
	return num(t.UnixMilli())
}

// putText leaves empty texts out of an item.
func putText(item attributes, name, text string) {
	if text != "" {
		item[name] = str(text)
	}
}

// reader takes values out of an item and remembers the first error, which wraps auth.ErrUnavailable.
type reader struct {
	item attributes
	err  error
}

// readerOf returns the reader of an item, whose error is set if the item is of another version.
func readerOf(item attributes) *reader {
	r := &reader{item: item}
	if v := r.uint(attrVersion); r.err == nil && v != schemaVersion {
		r.err = fmt.Errorf("%w: the schema version of an item is %d (want %d)", auth.ErrUnavailable, v, schemaVersion)
	}
	return r
}

func (r *reader) wrong(name string) {
	if r.err == nil {
		r.err = fmt.Errorf("%w: attribute %s of an item has an unexpected form", auth.ErrUnavailable, name)
	}
}

// text returns "" for an attribute that is absent.
func (r *reader) text(name string) string {
	switch v := r.item[name].(type) {
	case nil:
		return ""
	case *types.AttributeValueMemberS:
		return v.Value
	}
	r.wrong(name)
	return ""
}

func (r *reader) bytes(name string, into []byte) {
	v, ok := r.item[name].(*types.AttributeValueMemberB)
	if !ok || len(v.Value) != len(into) {
		r.wrong(name)
		return
	}
	copy(into, v.Value)
}

// uint returns 0 for an attribute that is absent.
func (r *reader) uint(name string) uint64 {
	switch v := r.item[name].(type) {
	case nil:
		return 0
	case *types.AttributeValueMemberN:
		if n, err := strconv.ParseUint(v.Value, 10, 64); err == nil {
			return n
		}
	}
	r.wrong(name)
	return 0
}

func (r *reader) flag(name string) bool {
	switch v := r.item[name].(type) {
	case nil:
		return false
	case *types.AttributeValueMemberBOOL:
		return v.Value
	}
	r.wrong(name)
	return false
}

func (r *reader) time(name string) time.Time {
	n := r.uint(name)
	if n == 0 {
		return time.Time{}
	}
	return time.UnixMilli(int64(n)).UTC()
}

// list reads what strings.Join wrote with spaces: scope and roles hold no entry with one.
func (r *reader) list(name string) []string {
	text := r.text(name)
	if text == "" {
		return nil
	}
	return strings.Split(text, " ")
}
