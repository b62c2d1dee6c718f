package dynamo

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/google/uuid"

	"github.com/edgeauth/edgeauth/internal/awsclient"
	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/session"
)

// Sessions returns the store of sessions.
func (db *DB) Sessions() session.Store { return sessions{db} }

type sessions struct{ db *DB }

// The attributes of a session's item. Times are milliseconds since 1970, except expires_at. The
// name proof is reserved for the thumbprint of a key to which a session is bound.
const (
	attrSubject      = "pk"
	attrID           = "sk"
	attrVersion      = "v"
	attrKind         = "kind"
	attrProfile      = "profile"
	attrClient       = "client_id"
	attrScope        = "scope" // joined by spaces
	attrTokenVersion = "token_version"
	attrGeneration   = "gen"
	attrParent       = "pb"
	attrRotated      = "rot"
	attrInvocation   = "inv"
	attrIdle         = "idle" // milliseconds
	attrIdleEnd      = "idle_exp"
	attrAbsoluteEnd  = "abs_exp"
	attrCreated      = "created"
	attrLastSeen     = "last_seen"
	attrAuthTime     = "auth_time"
	attrAMR          = "amr"      // joined by spaces
	attrDelivery     = "delivery" // absent means body
	attrRemember     = "remember" // absent means true
	attrReplaces     = "replaces"
	attrPaused       = "paused"
	attrUserAgent    = "ua"
	attrAddress      = "ip"
	attrLabel        = "label"
	attrNetwork      = "net" // the last of the tags n0 to n15
	attrPlace        = "place"
	attrRevoked      = "rev"
	attrRevokeReason = "rev_reason"
	attrRevokeMark   = "rev_inv" // absent if the revocation has no mark

	// attrExpires is the attribute that the table's TTL uses, in seconds since 1970. DynamoDB
	// supports arithmetic only in SET, and no division. So the item also has attrKeep, the seconds
	// for which it outlives its last use.
	attrExpires = "expires_at"
	attrKeep    = "keep"
)

// slots are the attributes of a trace, one for each slot, so that an update can set a slot without
// a read. Tags are numbers, and an empty slot is left out.
var slots = [...][]string{
	session.NetworkFact:   {"n0", "n1", "n2", "n3", "n4", "n5", "n6", "n7", "n8", "n9", "n10", "n11", "n12", "n13", "n14", "n15"},
	session.UserAgentFact: {"u0", "u1", "u2", "u3"},
	session.CountryFact:   {"c0", "c1", "c2", "c3"},
}

// slack is how long an item outlives its idle end, so that a late token can be distinguished from
// an unknown token.
const slack = 24 * time.Hour

func keep(idle time.Duration) int64 { return int64((idle + slack + time.Second - 1) / time.Second) }

func keyOf(k session.Key) attributes {
	return attributes{attrSubject: str(string(k.Subject)), attrID: str(k.ID.String())}
}

func sessionItem(s session.Session) attributes {
	item := keyOf(s.Key)
	for name, value := range (attributes{
		attrVersion: num(schemaVersion), attrKind: num(uint8(s.Kind)), attrProfile: num(uint8(s.Profile)),
		attrClient: str(string(s.Client)), attrTokenVersion: num(s.TokenVersion),
		attrGeneration: num(s.Generation), attrParent: bin(s.Parent[:]), attrRotated: ms(s.RotatedAt), attrInvocation: bin(s.Invocation[:]),
		attrIdle: num(s.IdleTimeout.Milliseconds()), attrIdleEnd: ms(s.IdleEnd), attrAbsoluteEnd: ms(s.AbsoluteEnd),
		attrCreated: ms(s.CreatedAt), attrLastSeen: ms(s.LastSeen), attrAuthTime: ms(s.AuthTime),
		attrKeep: num(keep(s.IdleTimeout)), attrExpires: num(s.LastSeen.Unix() + keep(s.IdleTimeout)),
	}) {
		item[name] = value
	}
	putText(item, attrScope, strings.Join(s.Scope, " "))
	putText(item, attrAMR, strings.Join(s.AMR, " "))
	if s.Delivery != auth.DeliveryBody {
		item[attrDelivery] = str(s.Delivery.String())
	}
	if !s.Remember {
		item[attrRemember] = yes(false)
	}
	if s.Replaces != (session.ID{}) {
		item[attrReplaces] = str(s.Replaces.String())
	}
	if !s.PausedUntil.IsZero() {
		item[attrPaused] = ms(s.PausedUntil)
	}
	putText(item, attrUserAgent, s.UserAgent)
	putText(item, attrAddress, s.Address)
	putText(item, attrLabel, s.Label)
	putNumber(item, attrNetwork, s.Trace.Network)
	putNumber(item, attrPlace, s.Trace.Place)
	for kind, names := range slots {
		for i, tag := range s.Trace.Slots(session.FactKind(kind)) {
			putNumber(item, names[i], tag)
		}
	}
	if s.Revocation != nil {
		item[attrRevoked], item[attrRevokeReason] = ms(s.Revocation.At), str(string(s.Revocation.Reason))
		if mark := s.Revocation.Invocation; mark != (session.Invocation{}) {
			item[attrRevokeMark] = bin(mark[:])
		}
	}
	return item
}

func sessionOf(item attributes) (session.Session, error) {
	r := readerOf(item)
	id, err := session.ParseID(r.text(attrID))
	if err != nil {
		r.wrong(attrID)
	}
	s := session.Session{
		Key:     session.Key{Subject: auth.SubjectID(r.text(attrSubject)), ID: id},
		Kind:    session.Kind(r.uint(attrKind)),
		Profile: auth.Profile(r.uint(attrProfile)),
		Client:  auth.ClientID(r.text(attrClient)), Scope: r.list(attrScope), TokenVersion: r.uint(attrTokenVersion),
		Generation: r.uint(attrGeneration), RotatedAt: r.time(attrRotated),
		IdleTimeout: time.Duration(r.uint(attrIdle)) * time.Millisecond, IdleEnd: r.time(attrIdleEnd), AbsoluteEnd: r.time(attrAbsoluteEnd),
		CreatedAt: r.time(attrCreated), LastSeen: r.time(attrLastSeen), AuthTime: r.time(attrAuthTime),
		AMR: r.list(attrAMR), Remember: item[attrRemember] == nil || r.flag(attrRemember), PausedUntil: r.time(attrPaused), UserAgent: r.text(attrUserAgent), Address: r.text(attrAddress), Label: r.text(attrLabel),
	}
	if !s.Kind.Valid() || r.uint(attrKind) != uint64(s.Kind) {
		r.wrong(attrKind)
	}
	if !s.Profile.Valid() || r.uint(attrProfile) != uint64(s.Profile) {
		r.wrong(attrProfile)
	}
	if item[attrDelivery] != nil {
		if s.Delivery, err = auth.ParseDelivery(r.text(attrDelivery)); err != nil {
			r.wrong(attrDelivery)
		}
	}
	if text := r.text(attrReplaces); text != "" {
		if s.Replaces, err = session.ParseID(text); err != nil {
			r.wrong(attrReplaces)
		}
	}
	s.Trace.Network, s.Trace.Place = small[session.Tag](r, attrNetwork), small[session.Place](r, attrPlace)
	for kind, names := range slots {
		for i, name := range names {
			s.Trace.Slots(session.FactKind(kind))[i] = small[session.Tag](r, name)
		}
	}
	r.bytes(attrParent, s.Parent[:])
	r.bytes(attrInvocation, s.Invocation[:])
	if at := r.time(attrRevoked); !at.IsZero() {
		s.Revocation = &session.Revocation{At: at, Reason: session.RevocationReason(r.text(attrRevokeReason))}
		if item[attrRevokeMark] != nil {
			r.bytes(attrRevokeMark, s.Revocation.Invocation[:])
		}
	}
	return s, r.err
}

// Create implements [session.Store].
func (s sessions) Create(ctx context.Context, created session.Session) error {
	ctx, cancel := s.db.bounded(ctx)
	defer cancel()
	_, err := s.db.client.PutItem(ctx, &dynamodb.PutItemInput{
		TableName: &s.db.tables.Sessions, Item: sessionItem(created),
		ConditionExpression: aws.String("attribute_not_exists(" + attrSubject + ")"),
	})
	if _, exists := conditionFailed(err); exists {
		return nil
	}
	if err != nil {
		return failed("creating a session", err)
	}
	return nil
}

// Get implements [session.Store].
func (s sessions) Get(ctx context.Context, key session.Key) (session.Session, error) {
	ctx, cancel := s.db.bounded(ctx)
	defer cancel()
	out, err := s.db.client.GetItem(ctx, &dynamodb.GetItemInput{
		TableName: &s.db.tables.Sessions, Key: keyOf(key), ConsistentRead: aws.Bool(true),
	})
	if err != nil {
		return session.Session{}, failed("reading a session", err)
	}
	if len(out.Item) == 0 {
		return session.Session{}, auth.ErrNotFound
	}
	return sessionOf(out.Item)
}

// Update implements [session.Store].
func (s sessions) Update(ctx context.Context, key session.Key, u session.Update) (before *session.Session, done bool, err error) {
	if e, ok := u.Revokes(key); ok {
		return s.revoke(ctx, key, u, e)
	}
	ctx, cancel := s.db.bounded(ctx)
	defer cancel()
	in := render(u)
	in.TableName, in.Key = &s.db.tables.Sessions, keyOf(key)
	in.ReturnValues = types.ReturnValueAllOld
	in.ReturnValuesOnConditionCheckFailure = types.ReturnValuesOnConditionCheckFailureAllOld
	out, err := s.db.client.UpdateItem(ctx, in)
	// A transaction that ends the other sessions may write this session at the same time. The
	// engine then refuses this update and writes nothing.
	for attempt := 1; attempt < awsclient.MaxAttempts && errors.As(err, new(*types.TransactionConflictException)); attempt++ {
		if err = pause(ctx, attempt); err == nil {
			out, err = s.db.client.UpdateItem(ctx, in)
		}
	}
	item, refused := conditionFailed(err)
	switch {
	case refused && item == nil:
		return nil, false, nil
	case refused:
	case err != nil:
		return nil, false, failed("updating a session", err)
	default:
		item = out.Attributes
	}
	was, err := sessionOf(item)
	if err != nil {
		return nil, false, err
	}
	return &was, !refused, nil
}

// revoke applies u and writes the entry e in one transaction. A transaction returns an item only if
// it fails, so revoke reads the session first. For an unknown session it then writes nothing, so a
// user who guesses ids adds no entries.
func (s sessions) revoke(ctx context.Context, key session.Key, u session.Update, e session.RevocationEntry) (before *session.Session, done bool, err error) {
	was, err := s.Get(ctx, key)
	switch after := was; {
	case errors.Is(err, auth.ErrNotFound):
		return nil, false, nil
	case err != nil:
		return nil, false, err
	case !u.Do(&after):
		return &was, false, nil
	}
	before, done = &was, true
	in := s.change(key, u)
	in.ReturnValuesOnConditionCheckFailure = types.ReturnValuesOnConditionCheckFailureAllOld
	items := []types.TransactWriteItem{{Update: in}, s.db.revoke(e)}
	err = s.db.transact(ctx, "ending a session", uuid.NewString(), items, func(reasons []reason) error {
		before, done = nil, false
		if reasons[0].item == nil {
			return nil
		}
		now, err := sessionOf(reasons[0].item)
		if err == nil {
			before = &now
		}
		return err
	})
	if err != nil {
		return nil, false, err
	}
	return before, done, nil
}

// change renders u for a transaction.
func (s sessions) change(key session.Key, u session.Update) *types.Update {
	in := render(u)
	return &types.Update{
		TableName: &s.db.tables.Sessions, Key: keyOf(key),
		ConditionExpression: in.ConditionExpression, UpdateExpression: in.UpdateExpression,
		ExpressionAttributeNames: in.ExpressionAttributeNames, ExpressionAttributeValues: in.ExpressionAttributeValues,
	}
}

// List implements [session.Store]. It lists sessions in the order of their IDs as text.
func (s sessions) List(ctx context.Context, of auth.SubjectID, after session.ID, limit int) ([]session.Session, error) {
	ctx, cancel := s.db.bounded(ctx)
	defer cancel()
	in := &dynamodb.QueryInput{
		TableName: &s.db.tables.Sessions, ConsistentRead: aws.Bool(true), Limit: aws.Int32(int32(limit)),
		KeyConditionExpression:    aws.String(attrSubject + " = :of"),
		ExpressionAttributeValues: attributes{":of": str(string(of))},
	}
	if after != (session.ID{}) {
		*in.KeyConditionExpression += " AND " + attrID + " > :after"
		in.ExpressionAttributeValues[":after"] = str(after.String())
	}
	var found []session.Session
	// A page may end early because of its size. Only a missing LastEvaluatedKey ends the list.
	for len(found) < limit {
		out, err := s.db.client.Query(ctx, in)
		if err != nil {
			return nil, failed("listing sessions", err)
		}
		for _, item := range out.Items {
			one, err := sessionOf(item)
			if err != nil {
				return nil, err
			}
			found = append(found, one)
		}
		if in.ExclusiveStartKey = out.LastEvaluatedKey; len(in.ExclusiveStartKey) == 0 {
			break
		}
	}
	return found[:min(len(found), limit)], nil
}

// DeleteAll implements [session.Store]. It reads only the keys, so that unreadable items are
// deleted too.
func (s sessions) DeleteAll(ctx context.Context, of auth.SubjectID) (int, error) {
	in := &dynamodb.QueryInput{
		TableName: &s.db.tables.Sessions, ConsistentRead: aws.Bool(true), Limit: aws.Int32(maxBatch),
		KeyConditionExpression: aws.String(attrSubject + " = :of"), ProjectionExpression: aws.String(attrSubject + ", " + attrID),
		ExpressionAttributeValues: attributes{":of": str(string(of))},
	}
	for deleted := 0; ; {
		out, err := s.query(ctx, in)
		if err != nil {
			return deleted, err
		}
		if len(out.Items) > 0 {
			if err := s.deletePage(ctx, out.Items); err != nil {
				return deleted, err
			}
		}
		deleted += len(out.Items)
		if in.ExclusiveStartKey = out.LastEvaluatedKey; len(in.ExclusiveStartKey) == 0 {
			return deleted, nil
		}
	}
}

func (s sessions) query(ctx context.Context, in *dynamodb.QueryInput) (*dynamodb.QueryOutput, error) {
	ctx, cancel := s.db.bounded(ctx)
	defer cancel()
	out, err := s.db.client.Query(ctx, in)
	if err != nil {
		return nil, failed("listing sessions", err)
	}
	return out, nil
}

// maxBatch is the number of items that one BatchWriteItem accepts.
const maxBatch = 25

func (s sessions) deletePage(ctx context.Context, keys []attributes) error {
	left := make([]types.WriteRequest, len(keys))
	for i, key := range keys {
		left[i].DeleteRequest = &types.DeleteRequest{Key: key}
	}
	ctx, cancel := s.db.bounded(ctx)
	defer cancel()
	for attempt := 1; ; attempt++ {
		out, err := s.db.client.BatchWriteItem(ctx, &dynamodb.BatchWriteItemInput{
			RequestItems: map[string][]types.WriteRequest{s.db.tables.Sessions: left},
		})
		if err != nil {
			return failed("deleting sessions", err)
		}
		// DynamoDB returns unprocessed items without an error if the table lacks throughput.
		if left = out.UnprocessedItems[s.db.tables.Sessions]; len(left) == 0 {
			return nil
		}
		if err := pause(ctx, attempt); err != nil {
			return failed("deleting sessions", err)
		}
	}
}
