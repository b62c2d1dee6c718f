package dynamo

import (
	"context"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/flow"
	"github.com/edgeauth/edgeauth/pkg/auth/throttle"
)

// Flows returns the store of flows, in the table of attempts. Each update is one UpdateItem.
func (db *DB) Flows() flow.Store { return flows{db} }

type flows struct{ db *DB }

// The attributes of a flow's item. The item also has v, client_id, and expires_at for the table's
// TTL.
const (
	attrPurpose   = "purpose" // a name
	attrCode      = "code"
	attrPerson    = "person"
	attrTriesLeft = "tries_left"
	attrEnds      = "ends" // milliseconds since 1970
	attrTry       = "try"  // absent before the first try
	attrSpent     = "spent"
	attrProven    = "proven"
)

func flowKey(key flow.Key) attributes { return attributes{attrSubject: str(string(key))} }

func flowItem(key flow.Key, f flow.Flow) attributes {
	item := flowKey(key)
	for name, value := range (attributes{
		attrVersion: num(schemaVersion), attrPurpose: str(f.Purpose.String()), attrClient: str(string(f.Client)), attrCode: bin(f.Code[:]),
		attrPerson: bin(f.Person[:]), attrTriesLeft: num(f.TriesLeft), attrEnds: ms(f.Ends), attrExpires: num(f.Expires.Unix()),
	}) {
		item[name] = value
	}
	for name, mark := range map[string]throttle.Mark{attrTry: f.Mark, attrSpent: f.Spent} {
		if mark != (throttle.Mark{}) {
			item[name] = bin(mark[:])
		}
	}
	if f.Proven {
		item[attrProven] = yes(true)
	}
	return item
}

func flowOf(item attributes) (*flow.Flow, error) {
	r := readerOf(item)
	f := flow.Flow{
		TriesLeft: int(r.uint(attrTriesLeft)), Ends: r.time(attrEnds), Proven: r.flag(attrProven),
		Expires: time.Unix(int64(r.uint(attrExpires)), 0).UTC(),
	}
	var err error
	if f.Purpose, err = flow.ParsePurpose(r.text(attrPurpose)); err != nil {
		r.wrong(attrPurpose)
	}
	f.Client = auth.ClientID(r.text(attrClient))
	r.bytes(attrCode, f.Code[:])
	r.bytes(attrPerson, f.Person[:])
	for name, mark := range map[string]*throttle.Mark{attrTry: &f.Mark, attrSpent: &f.Spent} {
		if item[name] != nil {
			r.bytes(name, mark[:])
		}
	}
	return &f, r.err
}

// Create implements [flow.Store].
func (s flows) Create(ctx context.Context, key flow.Key, f flow.Flow) error {
	ctx, cancel := s.db.bounded(ctx)
	defer cancel()
	_, err := s.db.client.PutItem(ctx, &dynamodb.PutItemInput{
		TableName: &s.db.tables.Attempts, Item: flowItem(key, f), ConditionExpression: aws.String("attribute_not_exists(" + attrSubject + ")"),
	})
	if _, exists := conditionFailed(err); err == nil || exists {
		return nil // a retry of a write whose reply was lost
	}
	return failed("storing a flow", err)
}

// Update implements [flow.Store].
func (s flows) Update(ctx context.Context, key flow.Key, u flow.Update) (before *flow.Flow, done bool, err error) {
	ctx, cancel := s.db.bounded(ctx)
	defer cancel()
	in := renderFlow(u)
	in.TableName, in.Key = &s.db.tables.Attempts, flowKey(key)
	in.ReturnValues = types.ReturnValueAllOld
	in.ReturnValuesOnConditionCheckFailure = types.ReturnValuesOnConditionCheckFailureAllOld
	out, err := s.db.client.UpdateItem(ctx, in)
	there, refused := conditionFailed(err)
	switch {
	case err == nil:
		there = out.Attributes
	case !refused:
		return nil, false, failed("changing a flow", err)
	case there == nil:
		return nil, false, nil
	}
	if before, err = flowOf(there); err != nil {
		return nil, false, err
	}
	return before, !refused, nil
}

// renderFlow returns the UpdateItem that is equivalent to u.Do.
func renderFlow(u flow.Update) *dynamodb.UpdateItemInput {
	e := newExpression()
	// A missing item has no version, so nothing is created.
	all := []string{
		e.readable(), "attribute_not_exists(" + e.name(attrSpent) + ")", e.isText(attrPurpose), e.isText(attrClient),
		e.isBytes(attrCode, len(flow.Flow{}.Code)), e.isBytes(attrPerson, len(flow.Flow{}.Person)), e.isNumber(attrTriesLeft), e.isNumber(attrEnds),
		e.isNumber(attrExpires), e.isBytes(attrTry, len(u.If.Mark)), e.isFlag(attrProven),
	}
	if !u.If.LiveAt.IsZero() {
		all = append(all, e.compare(attrEnds, ">", ms(u.If.LiveAt)))
	}
	if u.If.TriesLeft != 0 {
		all = append(all, e.compare(attrTriesLeft, ">=", num(u.If.TriesLeft)))
	}
	if u.If.Mark != (throttle.Mark{}) {
		all = append(all, "NOT "+e.compare(attrTry, "=", bin(u.If.Mark[:])))
	}
	// Without a change of the tries, the update adds zero to their number, because an update must
	// assign something.
	set := []string{e.name(attrTriesLeft) + " = " + e.name(attrTriesLeft) + " + " + e.value(num(u.Set.AddTries))}
	if u.Set.Mark != (throttle.Mark{}) {
		set = append(set, e.name(attrTry)+" = "+e.value(bin(u.Set.Mark[:])))
	}
	if u.Set.Spent != (throttle.Mark{}) {
		set = append(set, e.name(attrSpent)+" = "+e.value(bin(u.Set.Spent[:])))
	}
	if u.Set.Proven {
		set = append(set, e.name(attrProven)+" = "+e.value(yes(true)))
	}
	in := &dynamodb.UpdateItemInput{
		ConditionExpression: aws.String(strings.Join(all, " AND ")), UpdateExpression: aws.String("SET " + strings.Join(set, ", ")),
	}
	in.ExpressionAttributeNames, in.ExpressionAttributeValues = e.names, e.values
	return in
}
