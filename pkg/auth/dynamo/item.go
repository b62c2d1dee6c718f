package dynamo

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/session"
)

// attributes is a DynamoDB item.
type attributes = map[string]types.AttributeValue

// schemaVersion is the attribute "v" of every item.
//
// Several versions of the program use one table at the same time: during a deployment, and after a
// rollback. These rules apply to every change of the stored form:
//
//   - A new attribute does not raise the version. Code that does not know the attribute keeps it: a
//     change updates the known attributes and never replaces the whole item.
//   - The version of an item rises if older code would misread the item. It rises one release after
//     the release whose code reads the new version, so that no running version meets an item that
//     it cannot read.
//   - An item is unreadable if it has another version or if an attribute has an unexpected form.
//     Reading the item then returns auth.ErrUnavailable (503 on the wire). The item never counts as
//     missing or ended. The version is a condition of every write, so that an item of a later
//     version is never changed. The form of the attributes is a condition of every write to a user
//     or a counter; see form.go.
//
// Package bolt follows the same rules. Package storetest tests both packages, also with the items
// in testdata, which earlier versions wrote.
const schemaVersion = 1

func str(s string) types.AttributeValue { return &types.AttributeValueMemberS{Value: s} }
func bin(b []byte) types.AttributeValue { return &types.AttributeValueMemberB{Value: b} }
func yes(b bool) types.AttributeValue   { return &types.AttributeValueMemberBOOL{Value: b} }
func num[N int | int64 | uint64 | uint8 | session.Tag | session.Place](n N) types.AttributeValue {
	return &types.AttributeValueMemberN{Value: fmt.Sprint(n)}
}

// ms renders a time as items store it: milliseconds since 1970, or 0 for the zero time.
func ms(t time.Time) types.AttributeValue {
	if t.IsZero() {
		return num(0)
	}
	return num(t.UnixMilli())
}

// putText adds a text to an item unless the text is empty.
// putNumber leaves out a zero.
func putNumber[N session.Tag | session.Place](item attributes, name string, n N) {
	if n != 0 {
		item[name] = num(n)
	}
}

func putText(item attributes, name, text string) {
	if text != "" {
		item[name] = str(text)
	}
}

// reader reads values from an item and keeps the first error, which wraps auth.ErrUnavailable.
type reader struct {
	item attributes
	err  error
}

// readerOf returns a reader for an item. The reader has an error if the item has another version.
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

// text returns a text, or "" if the attribute is absent.
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

// uint returns a number, or 0 if the attribute is absent.
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

// small returns a number that fits N, or 0 if the attribute is absent.
func small[N session.Tag | session.Place](r *reader, name string) N {
	n := r.uint(name)
	if uint64(N(n)) != n {
		r.wrong(name)
	}
	return N(n)
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

// list returns entries that were joined with spaces. Entries of scope and roles contain no space.
func (r *reader) list(name string) []string {
	text := r.text(name)
	if text == "" {
		return nil
	}
	return strings.Split(text, " ")
}

// set returns a set of texts in ascending order, because DynamoDB's sets have no order.
func (r *reader) set(name string) []string {
	switch v := r.item[name].(type) {
	case nil:
		return nil
	case *types.AttributeValueMemberSS:
		return slices.Sorted(slices.Values(v.Value))
	}
	r.wrong(name)
	return nil
}
