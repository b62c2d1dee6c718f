package dynamo

import (
	"context"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/edgeauth/edgeauth/pkg/auth/throttle"
)

// Counters returns the store of throttle counters. Each update is one UpdateItem.
func (db *DB) Counters() throttle.Counters { return counters{db} }

type counters struct{ db *DB }

// The attributes of a counter's item. The item also has v, and expires_at for the table's TTL.
const (
	attrCount = "n"
	attrLast  = "last" // milliseconds since 1970
	attrMark  = "mark" // only in counters that throttle.Once made
	// sourcePrefix begins the names of attributes that hold the count of one source.
	sourcePrefix = "f."
)

// Update implements [throttle.Counters].
func (s counters) Update(ctx context.Context, key string, u throttle.Update) (before throttle.Counter, done bool, err error) {
	ctx, cancel := s.db.bounded(ctx)
	defer cancel()
	in := renderCount(u)
	in.TableName, in.Key = &s.db.tables.Attempts, attributes{attrSubject: str(key)}
	// The old item says how long a refused login has to wait.
	in.ReturnValues = types.ReturnValueAllOld
	in.ReturnValuesOnConditionCheckFailure = types.ReturnValuesOnConditionCheckFailureAllOld
	out, err := s.db.client.UpdateItem(ctx, in)
	there, refused := conditionFailed(err)
	switch {
	case err == nil:
		there = out.Attributes
	case !refused:
		return throttle.Counter{}, false, failed("counting an attempt", err)
	}
	before, err = counterOf(there)
	return before, err == nil && !refused, err
}

func counterOf(item attributes) (throttle.Counter, error) {
	// A new item has no old state. dynoxide then returns only the key.
	if _, keyed := item[attrSubject]; len(item) == 0 || keyed && len(item) == 1 {
		return throttle.Counter{}, nil
	}
	r := readerOf(item)
	c := throttle.Counter{
		N: int(r.uint(attrCount)), Last: r.time(attrLast), Expires: time.Unix(int64(r.uint(attrExpires)), 0).UTC(),
	}
	if item[attrMark] != nil {
		r.bytes(attrMark, c.Mark[:])
	}
	for name := range item {
		source, ok := strings.CutPrefix(name, sourcePrefix)
		if !ok {
			continue
		}
		// An attribute whose count was released stays with the value zero.
		if n := int(r.uint(name)); n != 0 {
			if c.Sources == nil {
				c.Sources = map[string]int{}
			}
			c.Sources[source] = n
		}
	}
	return c, r.err
}

// renderCount returns the UpdateItem that is equivalent to u.Do.
func renderCount(u throttle.Update) *dynamodb.UpdateItemInput {
	e := newExpression()
	readable := e.readable()
	var any []string
	for _, m := range u.AnyOf {
		any = append(any, e.matchCount(m, u.Source))
	}
	matches := grouped(any, " OR ")
	var set string
	if !u.At.IsZero() {
		all := []string{
			e.name(attrVersion) + " = " + e.value(num(schemaVersion)), // for a new counter
			e.name(attrLast) + " = " + e.value(ms(u.At)),
			e.name(attrExpires) + " = " + e.value(num(u.Expires.Unix())),
		}
		if u.Mark != (throttle.Mark{}) {
			all = append(all, e.name(attrMark)+" = "+e.value(bin(u.Mark[:])))
		}
		set = "SET " + strings.Join(all, ", ") + " "
	}
	unharmed := []string{
		readable, matches, e.isNumber(attrCount), e.isNumber(attrLast), e.isNumber(attrExpires), e.isBytes(attrMark, len(u.Mark)),
	}
	// ADD counts a missing attribute as zero.
	add := "ADD " + e.name(attrCount) + " " + e.value(num(u.Add))
	if u.Source != "" {
		unharmed = append(unharmed, e.isNumber(sourcePrefix+u.Source))
		if u.AddSource != 0 {
			add += ", " + e.name(sourcePrefix+u.Source) + " " + e.value(num(u.AddSource))
		}
	}
	condition := strings.Join(unharmed, " AND ")
	// A comparison with a missing attribute is false, but Do treats a missing counter as the zero
	// Counter.
	if u.Do(new(throttle.Counter)) {
		condition = "attribute_not_exists(" + e.name(attrSubject) + ") OR " + condition
	}
	in := &dynamodb.UpdateItemInput{ConditionExpression: &condition, UpdateExpression: aws.String(set + add)}
	in.ExpressionAttributeNames, in.ExpressionAttributeValues = e.names, e.values
	return in
}

func (e *expression) matchCount(m throttle.Match, source string) string {
	var all []string
	if m.Least != 0 {
		all = append(all, e.compare(attrCount, ">=", num(m.Least)))
	}
	if m.Below != 0 {
		all = append(all, e.compare(attrCount, "<", num(m.Below)))
	}
	if !m.LastBy.IsZero() {
		any := []string{e.compare(attrLast, "<=", ms(m.LastBy))}
		for _, s := range m.Sooner {
			any = append(any, grouped([]string{e.compare(attrLast, "<=", ms(s.LastBy)), e.sourceBelow(source, s.Below)}, " AND "))
		}
		all = append(all, grouped(any, " OR "))
	}
	if !m.LastAt.IsZero() {
		all = append(all, e.compare(attrLast, "=", ms(m.LastAt)))
	}
	if m.SourceLeast != 0 {
		all = append(all, e.compare(sourcePrefix+source, ">=", num(m.SourceLeast)))
	}
	if m.SourceBelow != 0 {
		all = append(all, e.sourceBelow(source, m.SourceBelow))
	}
	if len(all) == 0 { // DynamoDB requires a term
		all = []string{e.compare(attrCount, ">=", num(0))}
	}
	return grouped(all, " AND ")
}

// sourceBelow renders the condition that a source has fewer than n attempts, or none. A comparison
// with a missing attribute is false.
func (e *expression) sourceBelow(source string, n int) string {
	return "NOT " + e.compare(sourcePrefix+source, ">=", num(n))
}
