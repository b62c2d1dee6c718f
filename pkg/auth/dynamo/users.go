package dynamo

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/user"
)

// Users is the user.Store in a DB. Users and the pointers from their e-mails stand in one table, so that one
// transaction writes both.
type Users struct{ DB *DB }

var _ user.Store = Users{}

const (
	userPrefix    = "u#"
	pointerPrefix = "e#"

	attrEmail      = "email"
	attrPassword   = "password"
	attrRoles      = "roles"  // joined by spaces
	attrClaims     = "claims" // JSON
	attrDisabled   = "disabled"
	attrMustChange = "must_change"
	attrRevision   = "revision"
	attrUpdated    = "updated"
	attrPointsTo   = "sub"
	// attrWrite names the write that left the item so: a creation by its request, an update by a random number. By
	// it our own retry after a lost reply recognises itself.
	attrWrite = "write"
)

func userKey(id auth.SubjectID) attributes {
	return attributes{attrSubject: str(userPrefix + string(id))}
}
func emailKey(e user.Email) attributes {
	return attributes{attrSubject: str(pointerPrefix + string(e))}
}

func userItem(u user.User, write string) (attributes, error) {
	item := userKey(u.ID)
	item[attrVersion], item[attrEmail], item[attrWrite] = num(schemaVersion), str(u.Email), str(write)
	item[attrTokenVersion], item[attrRevision] = num(u.TokenVersion), num(u.Revision)
	item[attrDisabled], item[attrMustChange] = yes(u.Disabled), yes(u.MustChange)
	item[attrCreated], item[attrUpdated] = ms(u.CreatedAt), ms(u.UpdatedAt)
	putText(item, attrPassword, u.Password.Reveal())
	putText(item, attrRoles, strings.Join(u.Roles, " "))
	if len(u.Claims) > 0 {
		raw, err := json.Marshal(u.Claims)
		if err != nil {
			return nil, fmt.Errorf("a user's claims: %w", err)
		}
		item[attrClaims] = str(string(raw))
	}
	return item, nil
}

func userOf(item attributes) (user.User, error) {
	r := reader{item: item}
	r.version()
	id, ok := strings.CutPrefix(r.text(attrSubject), userPrefix)
	if !ok {
		r.wrong(attrSubject)
	}
	u := user.User{
		ID: auth.SubjectID(id), Email: r.text(attrEmail), Password: auth.NewSecret(r.text(attrPassword)), Roles: r.list(attrRoles),
		Disabled: r.flag(attrDisabled), MustChange: r.flag(attrMustChange),
		TokenVersion: r.uint(attrTokenVersion), Revision: r.uint(attrRevision),
		CreatedAt: r.time(attrCreated), UpdatedAt: r.time(attrUpdated),
	}
	if claims := r.text(attrClaims); claims != "" && json.Unmarshal([]byte(claims), &u.Claims) != nil {
		r.wrong(attrClaims)
	}
	return u, r.err
}

// Create implements user.Store.
func (s Users) Create(ctx context.Context, u user.User, request string) error {
	email, err := user.NormalizeEmail(u.Email)
	if err != nil {
		return err
	}
	if err := u.ID.Validate(); err != nil {
		return err
	}
	item, err := userItem(u, request)
	if err != nil {
		return err
	}
	pointer := emailKey(email)
	pointer[attrVersion], pointer[attrPointsTo] = num(schemaVersion), str(string(u.ID))
	put := func(item attributes) types.TransactWriteItem {
		return types.TransactWriteItem{Put: &types.Put{
			TableName: &s.DB.tables.Users, Item: item,
			ConditionExpression:                 aws.String("attribute_not_exists(" + attrSubject + ")"),
			ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
		}}
	}
	in := &dynamodb.TransactWriteItemsInput{
		ClientRequestToken: &request,
		TransactItems:      []types.TransactWriteItem{put(item), put(pointer)},
	}
	ctx, cancel := bounded(ctx)
	defer cancel()
	for attempt := 1; ; attempt++ {
		_, err := s.DB.client.TransactWriteItems(ctx, in)
		if err == nil {
			return nil
		}
		switch exists, conflict := s.cancelled(err, request); {
		case exists != nil:
			return exists.err
		case !conflict || attempt == maxAttempts:
			return failed("creating a user", err)
		}
		// Two creations met. The SDK does not try again by itself: the other one may have taken the address.
		if err := pause(ctx, attempt); err != nil {
			return failed("creating a user", err)
		}
	}
}

// answer is what a cancelled transaction says of the user; a nil err is success.
type answer struct{ err error }

// cancelled reads why a creation was cancelled: the user or the address is there already (ErrExists, or success where
// our own earlier write put both there), or another transaction was under way.
func (s Users) cancelled(err error, request string) (exists *answer, conflict bool) {
	var cancelled *types.TransactionCanceledException
	if !errors.As(err, &cancelled) {
		return nil, false
	}
	for i, reason := range cancelled.CancellationReasons {
		switch aws.ToString(reason.Code) {
		case "ConditionalCheckFailed":
			r := reader{item: reason.Item}
			if i == 0 && r.text(attrWrite) == request {
				return &answer{}, false
			}
			exists = &answer{user.ErrExists}
		case "TransactionConflict":
			conflict = true
		}
	}
	return exists, conflict
}

func pause(ctx context.Context, attempt int) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(time.Duration(attempt) * 50 * time.Millisecond):
		return nil
	}
}

// Get implements user.Store.
func (s Users) Get(ctx context.Context, id auth.SubjectID) (user.User, error) {
	item, err := s.get(ctx, userKey(id))
	if err != nil {
		return user.User{}, err
	}
	return userOf(item)
}

// ByEmail implements user.Store.
func (s Users) ByEmail(ctx context.Context, e user.Email) (auth.SubjectID, error) {
	item, err := s.get(ctx, emailKey(e))
	if err != nil {
		return "", err
	}
	r := reader{item: item}
	r.version()
	return auth.SubjectID(r.text(attrPointsTo)), r.err
}

func (s Users) get(ctx context.Context, key attributes) (attributes, error) {
	ctx, cancel := bounded(ctx)
	defer cancel()
	out, err := s.DB.client.GetItem(ctx, &dynamodb.GetItemInput{
		TableName: &s.DB.tables.Users, Key: key, ConsistentRead: aws.Bool(true),
	})
	if err != nil {
		return nil, failed("reading a user", err)
	}
	if len(out.Item) == 0 {
		return nil, auth.ErrNotFound
	}
	return out.Item, nil
}

// Update implements user.Store.
func (s Users) Update(ctx context.Context, u user.User) error {
	ctx, cancel := bounded(ctx)
	defer cancel()
	decidedOn, write := u.Revision, rand.Text()
	u.Revision++
	item, err := userItem(u, write)
	if err != nil {
		return err
	}
	e := &expression{names: map[string]string{}, values: attributes{}}
	_, err = s.DB.client.PutItem(ctx, &dynamodb.PutItemInput{
		TableName: &s.DB.tables.Users, Item: item,
		ConditionExpression: aws.String(e.compare(attrRevision, "=", num(decidedOn)) + " AND " +
			e.compare(attrEmail, "=", str(u.Email))),
		ExpressionAttributeNames: e.names, ExpressionAttributeValues: e.values,
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	})
	there, refused := conditionFailed(err)
	switch r := (reader{item: there}); {
	case refused && there == nil:
		return auth.ErrNotFound
	case refused && r.text(attrWrite) == write:
		return nil
	case refused:
		return user.ErrConflict
	case err != nil:
		return failed("updating a user", err)
	}
	return nil
}

// List implements user.Store. It scans the table: it is for operators, not for requests.
func (s Users) List(ctx context.Context, after auth.SubjectID, limit int) ([]user.User, error) {
	ctx, cancel := bounded(ctx)
	defer cancel()
	in := &dynamodb.ScanInput{
		TableName: &s.DB.tables.Users, Limit: aws.Int32(int32(2 * limit)), // half of the items are pointers
		FilterExpression:          aws.String("begins_with(" + attrSubject + ", :users)"),
		ExpressionAttributeValues: attributes{":users": str(userPrefix)},
	}
	if after != "" {
		in.ExclusiveStartKey = userKey(after)
	}
	var found []user.User
	for len(found) < limit {
		out, err := s.DB.client.Scan(ctx, in)
		if err != nil {
			return nil, failed("listing users", err)
		}
		for _, item := range out.Items {
			u, err := userOf(item)
			if err != nil {
				return nil, err
			}
			found = append(found, u)
		}
		if in.ExclusiveStartKey = out.LastEvaluatedKey; len(in.ExclusiveStartKey) == 0 {
			break
		}
	}
	return found[:min(len(found), limit)], nil
}
