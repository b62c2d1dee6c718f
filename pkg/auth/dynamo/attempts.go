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

// Counters is the throttle.Counters in a DB: one UpdateItem each.
type Counters struct{ DB *DB }

var _ throttle.Counters = Counters{}

// The attributes of a counter's item, besides v and expires_at, by which the table's TTL deletes it.
const (
	attrCount = "n"
	attrLast  = "last" // milliseconds since 1970
	attrMark  = "mark" // of a counter that throttle.Once made
)

// Update implements throttle.Counters.
func (s Counters) Update(ctx context.Context, key string, u throttle.Update) (before throttle.Counter, done bool, err error) {
	ctx, cancel := s.DB.bounded(ctx)
	defer cancel()
	in := renderCount(u)
	in.TableName, in.Key = &s.DB.tables.Attempts, attributes{attrSubject: str(key)}
	// The item as it was says how long a refused login has to wait.
	in.ReturnValues = types.ReturnValueAllOld
	in.ReturnValuesOnConditionCheckFailure = types.ReturnValuesOnConditionCheckFailureAllOld
	out, err := s.DB.client.UpdateItem(ctx, in)
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
	// An item that was made just now was empty before; dynoxide answers with its key then.
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
	return c, r.err
}

// renderCount returns the UpdateItem that equals u.Do.
func renderCount(u throttle.Update) *dynamodb.UpdateItemInput {
	e := newExpression()
	readable := e.readable()
	var any []string
	for _, m := range u.AnyOf {
		any = append(any, e.matchCount(m))
	}
	matches := grouped(any, " OR ")
	var set string
	if !u.At.IsZero() {
		all := []string{
			e.name(attrVersion) + " = " + e.value(num(schemaVersion)), // of a counter that this makes
			e.name(attrLast) + " = " + e.value(ms(u.At)),
			e.name(attrExpires) + " = " + e.value(num(u.Expires.Unix())),
		}
		if u.Mark != (throttle.Mark{}) {
			all = append(all, e.name(attrMark)+" = "+e.value(bin(u.Mark[:])))
		}
		set = "SET " + strings.Join(all, ", ") + " "
	}
	condition := strings.Join([]string{
		readable, matches, e.isNumber(attrCount), e.isNumber(attrLast), e.isNumber(attrExpires), e.isBytes(attrMark, len(u.Mark)),
	}, " AND ")
	// A comparison with a missing attribute is false; Do takes a missing counter for the zero one.
	if u.Do(new(throttle.Counter)) {
		condition = "attribute_not_exists(" + e.name(attrSubject) + ") OR " + condition
	}
	in := &dynamodb.UpdateItemInput{
		ConditionExpression: &condition,
		// ADD begins at zero where there is nothing.
		UpdateExpression: aws.String(set + "ADD " + e.name(attrCount) + " " + e.value(num(u.Add))),
	}
	in.ExpressionAttributeNames, in.ExpressionAttributeValues = e.names, e.values
	return in
}

func (e *expression) matchCount(m throttle.Match) string {
	// Also where nothing else is asked for, a term is needed, and one that a missing item does not meet.
	all := []string{e.compare(attrCount, ">=", num(m.Least))}
	if m.Below != 0 {
		all = append(all, e.compare(attrCount, "<", num(m.Below)))
	}
	if !m.LastBy.IsZero() {
		all = append(all, e.compare(attrLast, "<=", ms(m.LastBy)))
	}
	if !m.LastAt.IsZero() {
		all = append(all, e.compare(attrLast, "=", ms(m.LastAt)))
	}
	return grouped(all, " AND ")
}
