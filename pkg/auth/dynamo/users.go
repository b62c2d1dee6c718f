package dynamo

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

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
	// The newest change-of-password token, absent if there is none: see user.PasswordChange.
	attrChange         = "change"
	attrChangeUntil    = "change_until"
	attrChangeVersion  = "change_token_version"
	attrChangeRedeemed = "change_redeemed"
	attrUpdated        = "updated"
	attrPointsTo       = "sub"
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
	if c := u.Change; c != nil {
		item[attrChange], item[attrChangeUntil] = bin(c.Digest[:]), ms(c.Until)
		item[attrChangeVersion], item[attrChangeRedeemed] = num(c.TokenVersion), yes(c.Redeemed)
	}
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
	if item[attrChange] != nil {
		u.Change = &user.PasswordChange{
			Until: r.time(attrChangeUntil), TokenVersion: r.uint(attrChangeVersion), Redeemed: r.flag(attrChangeRedeemed),
		}
		r.bytes(attrChange, u.Change.Digest[:])
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
	create := []types.TransactWriteItem{
		s.put(item, &expression{}, "attribute_not_exists("+attrSubject+")"),
		s.newPointer(email, u.ID),
	}
	return s.transact(ctx, "creating a user", request, create, func(reasons []reason) error {
		if reasons[0].failed && reasons[0].write() == request {
			return nil
		}
		return user.ErrExists
	})
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
	ctx, cancel := s.DB.bounded(ctx)
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
	ctx, cancel := s.DB.bounded(ctx)
	defer cancel()
	decidedOn, write := u.Revision, rand.Text()
	u.Revision++
	item, err := userItem(u, write)
	if err != nil {
		return err
	}
	e := newExpression()
	_, err = s.DB.client.PutItem(ctx, &dynamodb.PutItemInput{
		TableName: &s.DB.tables.Users, Item: item,
		ConditionExpression:      aws.String(e.asRead(decidedOn, u.Email)),
		ExpressionAttributeNames: e.names, ExpressionAttributeValues: e.values,
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	})
	there, refused := conditionFailed(err)
	switch {
	case refused && there == nil:
		return auth.ErrNotFound
	case refused && writeOf(there) == write:
		return nil
	case refused, errors.As(err, new(*types.TransactionConflictException)): // a change of the e-mail is under way
		return user.ErrConflict
	case err != nil:
		return failed("updating a user", err)
	}
	return nil
}

// List implements user.Store. It scans the table: it is for operators, not for requests.
func (s Users) List(ctx context.Context, after auth.SubjectID, limit int) ([]user.User, error) {
	ctx, cancel := s.DB.bounded(ctx)
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
