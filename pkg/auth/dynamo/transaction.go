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

// transact is [DB.transact] for transactions whose conditions are about users and pointers. If a
// condition failed on an unreadable item, the error is auth.ErrUnavailable.
func (s users) transact(ctx context.Context, doing, request string, items []types.TransactWriteItem, judge func([]reason) error) error {
	return s.db.transact(ctx, doing, request, items, func(reasons []reason) error {
		if err := unreadable(reasons); err != nil {
			return fmt.Errorf("%s: %w", doing, err)
		}
		return judge(reasons)
	})
}

// transact carries out a transaction under a request token. If a condition fails, transact calls
// judge with one reason for each item, and returns the error of judge. The engine recognises a
// repeated token for ten minutes. After that, judge may recognise the repetition by the items.
func (db *DB) transact(ctx context.Context, doing, request string, items []types.TransactWriteItem, judge func([]reason) error) error {
	ctx, cancel := db.bounded(ctx)
	defer cancel()
	in := &dynamodb.TransactWriteItemsInput{ClientRequestToken: &request, TransactItems: items}
	for attempt := 1; ; attempt++ {
		_, err := db.client.TransactWriteItems(ctx, in)
		if err == nil {
			return nil
		}
		switch reasons, refused, conflict := reasonsOf(err, len(items)); {
		case refused:
			return judge(reasons)
		case !conflict || attempt == awsclient.MaxAttempts:
			return failed(doing, err)
		}
		// Two transactions conflict. The SDK does not retry a conflict, because the other
		// transaction may have changed the items.
		if err := pause(ctx, attempt); err != nil {
			return failed(doing, err)
		}
	}
}

// reason is the result of one item in a cancelled transaction.
type reason struct {
	failed bool       // the condition did not hold
	item   attributes // the stored item; nil if it does not exist
}

// unreadable returns the error of the first item that failed its condition and that this version
// cannot read.
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

// writeOf returns the identifier of the last write of an item.
func writeOf(item attributes) string {
	r := reader{item: item}
	return r.text(attrWrite)
}

// reasonsOf returns why a transaction was cancelled: because conditions failed (refused), or
// because of a concurrent transaction (conflict).
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

// create renders a write of a new item.
func (s users) create(item attributes) types.TransactWriteItem {
	return types.TransactWriteItem{Put: &types.Put{
		TableName: &s.db.tables.Users, Item: item, ConditionExpression: aws.String("attribute_not_exists(" + attrSubject + ")"),
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	}}
}

// change renders an update of the attributes that this version knows. e holds the names and values
// of the condition.
func (s users) change(key attributes, e *expression, condition, set string) types.TransactWriteItem {
	return types.TransactWriteItem{Update: &types.Update{
		TableName: &s.db.tables.Users, Key: key, ConditionExpression: &condition, UpdateExpression: &set,
		ExpressionAttributeNames: e.names, ExpressionAttributeValues: e.values,
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	}}
}

// delete renders a conditional deletion of an item. e holds the names and values of the condition.
func (s users) delete(key attributes, e *expression, condition string) types.TransactWriteItem {
	return types.TransactWriteItem{Delete: &types.Delete{
		TableName: &s.db.tables.Users, Key: key, ConditionExpression: &condition,
		ExpressionAttributeNames: e.names, ExpressionAttributeValues: e.values,
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	}}
}

// absent renders the condition that a pointer does not exist.
func (s users) absent(p user.Pointer) types.TransactWriteItem {
	return types.TransactWriteItem{ConditionCheck: &types.ConditionCheck{
		TableName: &s.db.tables.Users, Key: pointerKey(p), ConditionExpression: aws.String("attribute_not_exists(" + attrSubject + ")"),
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	}}
}

// move renders the moves of the pointers of the user id. Removals come first.
func (s users) move(m user.PointerMoves, id auth.SubjectID) (items []types.TransactWriteItem) {
	for _, p := range m.Remove {
		items = append(items, s.deletePointer(p, id))
	}
	for _, p := range m.Add {
		items = append(items, s.newPointer(p, id))
	}
	for _, p := range m.Absent {
		items = append(items, s.absent(p))
	}
	return items
}

// newPointer renders the creation of a pointer, which must not exist.
func (s users) newPointer(from user.Pointer, to auth.SubjectID) types.TransactWriteItem {
	pointer := pointerKey(from)
	pointer[attrVersion], pointer[attrPointsTo] = num(schemaVersion), str(string(to))
	return s.create(pointer)
}

// deletePointer renders the deletion of a pointer of the user id.
func (s users) deletePointer(from user.Pointer, id auth.SubjectID) types.TransactWriteItem {
	e := newExpression()
	return s.delete(pointerKey(from), e, e.readable()+" AND "+e.compare(attrPointsTo, "=", str(string(id))))
}
