package dynamo

import (
	"context"
	"errors"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/user"
)

// markPrefix begins the key of a mark, in the table of users. Like every item about the whole
// table, its key has no "#", unlike the key of every user and every pointer.
const markPrefix = "mark:"

func markKey(m user.Mark) attributes { return attributes{attrSubject: str(markPrefix + string(m))} }

// isMark reports whether an item, which may be missing, is a mark.
func isMark(item attributes) (bool, error) {
	if len(item) == 0 {
		return false, nil
	}
	err := readerOf(item).err
	return err == nil, err
}

// SetMark implements [user.Store].
func (s users) SetMark(ctx context.Context, m user.Mark) error {
	if err := m.Validate(); err != nil {
		return err
	}
	ctx, cancel := s.db.bounded(ctx)
	defer cancel()
	item := markKey(m)
	item[attrVersion] = num(schemaVersion)
	_, err := s.db.client.PutItem(ctx, &dynamodb.PutItemInput{
		TableName: &s.db.tables.Users, Item: item, ConditionExpression: aws.String("attribute_not_exists(" + attrSubject + ")"),
	})
	if _, exists := conditionFailed(err); exists || err == nil {
		return nil
	}
	return failed("setting a mark", err)
}

// Marked implements [user.Store].
func (s users) Marked(ctx context.Context, m user.Mark) (bool, error) {
	if err := m.Validate(); err != nil {
		return false, err
	}
	item, err := s.get(ctx, markKey(m))
	if errors.Is(err, auth.ErrNotFound) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	return isMark(item)
}
