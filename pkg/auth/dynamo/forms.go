package dynamo

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/user"
)

// formsKey is the key of the record of the forms of password hashes. It has no "#", unlike the key
// of every user and every pointer.
func formsKey() attributes { return attributes{attrSubject: str("forms")} }

func formsAttributes(f *user.Forms) []attribute {
	return []attribute{
		{"forms", (*setField)(&f.Recorded)},
		{"changed", (*timeField)(&f.ChangedAt)},
		{"until", (*timeField)(&f.Until)},
		{attrRevision, (*uintField)(&f.Revision)},
	}
}

// Forms implements [user.Store].
func (s users) Forms(ctx context.Context) (user.Forms, error) {
	item, err := s.get(ctx, formsKey())
	switch {
	case errors.Is(err, auth.ErrNotFound):
		return user.Forms{}, nil
	case err != nil:
		return user.Forms{}, err
	}
	return formsOf(item)
}

func formsOf(item attributes) (user.Forms, error) {
	r := readerOf(item)
	var f user.Forms
	for _, a := range formsAttributes(&f) {
		a.at.read(r, a.name)
	}
	if r.err != nil {
		return user.Forms{}, r.err
	}
	return f, nil
}

// UpdateForms implements [user.Store].
func (s users) UpdateForms(ctx context.Context, f user.Forms) error {
	ctx, cancel := s.db.bounded(ctx)
	defer cancel()
	e := newExpression()
	readable := []string{e.readable(), e.compare(attrRevision, "=", num(f.Revision))}
	for _, a := range formsAttributes(&f) {
		readable = append(readable, a.at.form(e, a.name))
	}
	condition := strings.Join(readable, " AND ")
	if f.Revision == 0 {
		condition = "attribute_not_exists(" + e.name(attrSubject) + ") OR " + condition
	}
	f.Revision++
	update, err := e.assign(attrVersion, num(schemaVersion), formsAttributes(&f))
	if err != nil {
		return err
	}
	_, err = s.db.client.UpdateItem(ctx, &dynamodb.UpdateItemInput{
		TableName: &s.db.tables.Users, Key: formsKey(), ConditionExpression: &condition, UpdateExpression: &update,
		ExpressionAttributeNames: e.names, ExpressionAttributeValues: e.values,
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	})
	there, refused := conditionFailed(err)
	switch {
	case refused && there != nil:
		if _, err := formsOf(there); err != nil {
			return fmt.Errorf("recording the forms of hashes: %w", err)
		}
		return user.ErrConflict
	case refused:
		return user.ErrConflict
	case err != nil:
		return failed("recording the forms of hashes", err)
	}
	return nil
}
