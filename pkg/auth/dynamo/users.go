package dynamo

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/session"
	"github.com/edgeauth/edgeauth/pkg/auth/user"
)

// Users returns the store of users. One table contains users and pointers, so that one transaction
// writes both.
func (db *DB) Users() user.Store { return users{db} }

type users struct{ db *DB }

const (
	userPrefix = "u#" // no PointerKind is "u"

	attrEmail    = "email"
	attrPointers = "pointers"
	attrRevision = "revision"
	attrUpdated  = "updated"
	attrPointsTo = "sub"
	// attrWrite identifies the last write of the item. It is the request token for a creation or
	// move, and a random number for an update. With it, a retry after a lost reply recognises its
	// own write.
	attrWrite = "write"
)

// userAttributes are the attributes of a user's item, with the addresses of their values in u,
// without the key, the version and attrWrite.
func userAttributes(u *user.User) []attribute {
	return []attribute{
		{attrEmail, (*textField)(&u.Email)},
		{"verified_email", (*optionField)(&u.VerifiedEmail)},
		{attrPointers, (*pointersField)(&u.Pointers)},
		{"password", (*secretField)(&u.Password)},
		{"roles", (*wordsField)(&u.Roles)},
		{"claims", (*jsonField)(&u.Claims)},
		{"disabled", (*flagField)(&u.Disabled)},
		{"must_change", (*flagField)(&u.MustChange)},
		{attrTokenVersion, (*uintField)(&u.TokenVersion)},
		{attrRevision, (*uintField)(&u.Revision)},
		{attrCreated, (*timeField)(&u.CreatedAt)},
		{attrUpdated, (*timeField)(&u.UpdatedAt)},
		{"change", (*digestField)(&u.Change.Digest)},
		{"change_until", (*timeField)(&u.Change.Until)},
		{"change_token_version", (*countField)(&u.Change.TokenVersion)},
		{"change_redeemed", (*markField)(&u.Change.Redeemed)},
	}
}

func userKey(id auth.SubjectID) attributes {
	return attributes{attrSubject: str(userPrefix + string(id))}
}
func pointerKey(p user.Pointer) attributes { return attributes{attrSubject: str(p.Key())} }

// userItem returns the item for a new user.
func userItem(u user.User, write string) (attributes, error) {
	item := userKey(u.ID)
	item[attrVersion], item[attrWrite] = num(schemaVersion), str(write)
	for _, a := range userAttributes(&u) {
		v, err := a.at.value()
		if err != nil {
			return nil, fmt.Errorf("attribute %s of a user: %w", a.name, err)
		}
		if v != nil {
			item[a.name] = v
		}
	}
	return item, nil
}

// setUser renders the update from an item to u, which keeps attributes that this version does not
// know. The order of the attributes is fixed, because an engine recognises a repeated transaction
// by the text of its request.
func (e *expression) setUser(u user.User, write string) (string, error) {
	return e.assign(attrWrite, str(write), userAttributes(&u))
}

// asRead renders the condition of every change to a user: the user has not changed since it was
// read, and is readable.
func (e *expression) asRead(u user.User) string {
	all := []string{e.readable(), e.compare(attrRevision, "=", num(u.Revision)), e.compare(attrEmail, "=", str(u.Email))}
	if len(u.Pointers) == 0 {
		all = append(all, "attribute_not_exists("+e.name(attrPointers)+")")
	} else {
		all = append(all, e.compare(attrPointers, "=", pointerSet(u.Pointers)))
	}
	return strings.Join(append(all, e.userForms()...), " AND ")
}

// userForms renders the conditions that every attribute of a user has a readable form.
func (e *expression) userForms() []string {
	all := []string{e.isText(attrWrite)}
	for _, a := range userAttributes(new(user.User)) {
		all = append(all, a.at.form(e, a.name))
	}
	return all
}

func userOf(item attributes) (user.User, error) {
	r := readerOf(item)
	id, ok := strings.CutPrefix(r.text(attrSubject), userPrefix)
	if !ok {
		r.wrong(attrSubject)
	}
	r.text(attrWrite)
	u := user.User{ID: auth.SubjectID(id)}
	for _, a := range userAttributes(&u) {
		a.at.read(r, a.name)
	}
	return u, r.err
}

// ownerOf returns the user that a pointer's item leads to.
func ownerOf(item attributes) (auth.SubjectID, error) {
	r := readerOf(item)
	id := auth.SubjectID(r.text(attrPointsTo))
	if id == "" {
		r.wrong(attrPointsTo)
	}
	return id, r.err
}

// readableItem returns an error if an item of the users table, a user or a pointer, cannot be read.
func readableItem(item attributes) (err error) {
	if _, pointer := item[attrPointsTo]; pointer {
		_, err = ownerOf(item)
	} else {
		_, err = userOf(item)
	}
	return err
}

// Create implements [user.Store].
func (s users) Create(ctx context.Context, u user.User, request string) error {
	moves, err := user.MovePointers(user.User{}, u, nil)
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
	create := append([]types.TransactWriteItem{s.create(item)}, s.move(moves, u.ID)...)
	return s.transact(ctx, "creating a user", request, create, func(reasons []reason) error {
		if reasons[0].failed && reasons[0].write() == request {
			return nil
		}
		return user.ErrExists
	})
}

// Get implements [user.Store].
func (s users) Get(ctx context.Context, id auth.SubjectID) (user.User, error) {
	item, err := s.get(ctx, userKey(id))
	if err != nil {
		return user.User{}, err
	}
	return userOf(item)
}

// ByPointer implements [user.Store].
func (s users) ByPointer(ctx context.Context, p user.Pointer) (auth.SubjectID, error) {
	if p.Validate() != nil {
		return "", auth.ErrNotFound
	}
	item, err := s.get(ctx, pointerKey(p))
	if err != nil {
		return "", err
	}
	return ownerOf(item)
}

func (s users) get(ctx context.Context, key attributes) (attributes, error) {
	ctx, cancel := s.db.bounded(ctx)
	defer cancel()
	out, err := s.db.client.GetItem(ctx, &dynamodb.GetItemInput{
		TableName: &s.db.tables.Users, Key: key, ConsistentRead: aws.Bool(true),
	})
	if err != nil {
		return nil, failed("reading a user", err)
	}
	if len(out.Item) == 0 {
		return nil, auth.ErrNotFound
	}
	return out.Item, nil
}

// Update implements [user.Store]. A condition refuses an update that raises the token version,
// which then becomes a transaction. All other updates are one UpdateItem.
func (s users) Update(ctx context.Context, u user.User) error {
	ctx, cancel := s.db.bounded(ctx)
	defer cancel()
	e, write := newExpression(), rand.Text()
	condition := e.asRead(u)
	if u.TokenVersion > 0 {
		condition += " AND " + e.compare(attrTokenVersion, ">=", num(u.TokenVersion)) // if this fails, raise writes the user
	}
	after := u
	after.Revision++
	set, err := e.setUser(after, write)
	if err != nil {
		return err
	}
	_, err = s.db.client.UpdateItem(ctx, &dynamodb.UpdateItemInput{
		TableName: &s.db.tables.Users, Key: userKey(u.ID), ConditionExpression: &condition, UpdateExpression: &set,
		ExpressionAttributeNames: e.names, ExpressionAttributeValues: e.values,
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	})
	there, refused := conditionFailed(err)
	switch {
	case refused && there == nil:
		return auth.ErrNotFound
	case refused:
		was, err := userOf(there)
		switch {
		case err != nil:
			return fmt.Errorf("updating a user: %w", err)
		case writeOf(there) == write:
			return nil
		case was.Revision == u.Revision && was.TokenVersion < u.TokenVersion:
			return s.raise(ctx, u, after, write)
		}
		return user.ErrConflict
	case errors.As(err, new(*types.TransactionConflictException)):
		// A concurrent transaction writes the user.
		return user.ErrConflict
	case err != nil:
		return failed("updating a user", err)
	}
	return nil
}

// raise is Update for a change that raises the token version. One transaction writes the user and
// the entry for the list of revocations.
func (s users) raise(ctx context.Context, u, after user.User, write string) error {
	e := newExpression()
	condition := e.asRead(u)
	set, err := e.setUser(after, write)
	if err != nil {
		return err
	}
	items := []types.TransactWriteItem{
		s.change(userKey(u.ID), e, condition, set), s.db.revoke(session.EndOfUser(u.ID, after.TokenVersion, after.UpdatedAt)),
	}
	return s.transact(ctx, "updating a user", write, items, func(reasons []reason) error {
		switch mine := reasons[0]; {
		case mine.item == nil:
			return auth.ErrNotFound
		case mine.write() == write:
			return nil
		}
		return user.ErrConflict
	})
}

// List implements [user.Store]. It scans the table, so it is for operators and not for requests.
func (s users) List(ctx context.Context, after auth.SubjectID, limit int) (user.Page, error) {
	ctx, cancel := s.db.bounded(ctx)
	defer cancel()
	in := &dynamodb.ScanInput{
		// The limit is doubled, because most users have one pointer.
		TableName: &s.db.tables.Users, Limit: aws.Int32(int32(2 * limit)),
		FilterExpression:          aws.String("begins_with(" + attrSubject + ", :users)"),
		ExpressionAttributeValues: attributes{":users": str(userPrefix)},
	}
	if after != "" {
		in.ExclusiveStartKey = userKey(after)
	}
	var p user.Page
	for {
		out, err := s.db.client.Scan(ctx, in)
		if err != nil {
			return user.Page{}, failed("listing users", err)
		}
		for _, item := range out.Items {
			if len(p.Users)+len(p.Unreadable) == limit {
				return p, nil
			}
			u, err := userOf(item)
			if err == nil {
				p.Users = append(p.Users, u)
			} else {
				p.Unreadable = append(p.Unreadable, user.Unreadable{ID: u.ID, Err: err})
			}
			p.Next = u.ID
		}
		if in.ExclusiveStartKey = out.LastEvaluatedKey; len(in.ExclusiveStartKey) == 0 {
			p.Next = ""
			return p, nil
		}
	}
}
