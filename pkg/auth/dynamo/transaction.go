package dynamo

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/edgeauth/edgeauth/internal/awsclient"
	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/user"
)

// transact carries out a transaction that the request token names. If a condition failed, judge says what that means; it
// gets one reason for each item. By the token the engine knows a repetition of its own last ten minutes; after that,
// judge may know it by the items. A condition that failed on an item that cannot be read is auth.ErrUnavailable.
func (s users) transact(ctx context.Context, doing, request string, items []types.TransactWriteItem, judge func([]reason) error) error {
	ctx, cancel := s.db.bounded(ctx)
	defer cancel()
	in := &dynamodb.TransactWriteItemsInput{ClientRequestToken: &request, TransactItems: items}
	for attempt := 1; ; attempt++ {
		_, err := s.db.client.TransactWriteItems(ctx, in)
		if err == nil {
			return nil
		}
		switch reasons, refused, conflict := reasonsOf(err, len(items)); {
		case refused:
			if err := unreadable(reasons); err != nil {
				return fmt.Errorf("%s: %w", doing, err)
			}
			return judge(reasons)
		case !conflict || attempt == awsclient.MaxAttempts:
			return failed(doing, err)
		}
		// Two transactions met. The SDK does not try again by itself: the other one may have changed what this one asks.
		if err := pause(ctx, attempt); err != nil {
			return failed(doing, err)
		}
	}
}

// reason is what one item of a transaction had to do with its cancellation.
type reason struct {
	failed bool       // its condition did not hold
	item   attributes // as it is in the table; nil for none
}

// unreadable returns the error of the first item that a condition failed on and that this version cannot read.
func unreadable(reasons []reason) error {
	for _, r := range reasons {
		if r.item == nil {
			continue
		}
		if err := readableItem(r.item); err != nil {
			return err
		}
	}
	return nil
}

func (r reason) write() string { return writeOf(r.item) }

// writeOf names the write that left an item so.
func writeOf(item attributes) string {
	r := reader{item: item}
	return r.text(attrWrite)
}

// reasonsOf reads why a transaction was cancelled: for conditions that failed, or since another one was under way.
func reasonsOf(err error, items int) (reasons []reason, refused, conflict bool) {
	var cancelled *types.TransactionCanceledException
	if !errors.As(err, &cancelled) {
		return nil, false, false
	}
	reasons = make([]reason, items)
	for i, r := range cancelled.CancellationReasons[:min(items, len(cancelled.CancellationReasons))] {
		switch aws.ToString(r.Code) {
		case "ConditionalCheckFailed":
			refused = true
			reasons[i].failed = true
			if len(r.Item) > 0 {
				reasons[i].item = r.Item
			}
		case "TransactionConflict":
			conflict = true
		}
	}
	return reasons, refused, conflict
}

func pause(ctx context.Context, attempt int) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(time.Duration(attempt) * 50 * time.Millisecond):
		return nil
	}
}

// create writes an item that is not there yet.
func (s users) create(item attributes) types.TransactWriteItem {
	return types.TransactWriteItem{Put: &types.Put{
		TableName: &s.db.tables.Users, Item: item, ConditionExpression: aws.String("attribute_not_exists(" + attrSubject + ")"),
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	}}
}

// change writes the attributes of a user that this version knows, under a condition, whose names and values stand in e.
func (s users) change(key attributes, e *expression, condition, set string) types.TransactWriteItem {
	return types.TransactWriteItem{Update: &types.Update{
		TableName: &s.db.tables.Users, Key: key, ConditionExpression: &condition, UpdateExpression: &set,
		ExpressionAttributeNames: e.names, ExpressionAttributeValues: e.values,
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	}}
}

// delete erases an item under a condition, whose names and values stand in e.
func (s users) delete(key attributes, e *expression, condition string) types.TransactWriteItem {
	return types.TransactWriteItem{Delete: &types.Delete{
		TableName: &s.db.tables.Users, Key: key, ConditionExpression: &condition,
		ExpressionAttributeNames: e.names, ExpressionAttributeValues: e.values,
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	}}
}

// newPointer makes a pointer that belongs to no user.
func (s users) newPointer(from user.Pointer, to auth.SubjectID) types.TransactWriteItem {
	pointer := pointerKey(from)
	pointer[attrVersion], pointer[attrPointsTo] = num(schemaVersion), str(string(to))
	return s.create(pointer)
}

// deletePointer erases a pointer, which is id's.
func (s users) deletePointer(from user.Pointer, id auth.SubjectID) types.TransactWriteItem {
	e := newExpression()
	return s.delete(pointerKey(from), e, e.readable()+" AND "+e.compare(attrPointsTo, "=", str(string(id))))
}
