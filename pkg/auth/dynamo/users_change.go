package dynamo

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/google/uuid"

	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/session"
	"github.com/edgeauth/edgeauth/pkg/auth/user"
)

// Move implements [user.Store].
func (s users) Move(ctx context.Context, from, to user.User, request string) error {
	held, err := s.held(ctx, from.ID, from.Email)
	if err != nil {
		return err
	}
	moves, err := user.MovePointers(from, to, held)
	if err != nil {
		return err
	}
	after := to
	after.ID, after.Revision = from.ID, from.Revision+1
	e := newExpression()
	condition := e.asRead(from)
	set, err := e.setUser(after, request)
	if err != nil {
		return err
	}
	items := append([]types.TransactWriteItem{s.change(userKey(from.ID), e, condition, set)}, s.move(moves, from.ID)...)
	if to.TokenVersion > from.TokenVersion {
		items = append(items, s.db.revoke(session.EndOfUser(from.ID, to.TokenVersion, to.UpdatedAt)))
	}
	err = s.transact(ctx, "moving a user", request, items, func(reasons []reason) error {
		switch mine := reasons[0]; {
		case mine.failed && mine.write() == request:
			return nil
		case mine.failed && mine.item == nil:
			return auth.ErrNotFound
		case mine.failed:
			return user.ErrConflict
		case slices.ContainsFunc(reasons[1+len(moves.Remove):], func(r reason) bool { return r.failed }):
			return user.ErrExists
		case len(held) > 0:
			return user.ErrConflict // the pointer of the e-mail has moved since it was read
		}
		return errors.New("moving a user: a pointer of the user is not the user's")
	})
	// In a retry, the pointer of the e-mail has moved already, so the retry is a different
	// transaction.
	if errors.As(err, new(*types.IdempotentParameterMismatchException)) {
		if there, err := s.get(ctx, userKey(from.ID)); err == nil && writeOf(there) == request {
			return nil
		}
	}
	return err
}

// Delete implements [user.Store]. It reads the user first to learn which pointers lead to the user.
func (s users) Delete(ctx context.Context, id auth.SubjectID, at time.Time) error {
	for attempt := 1; ; attempt++ {
		u, err := s.Get(ctx, id)
		switch {
		case errors.Is(err, auth.ErrNotFound) && attempt > 1:
			return nil // the user existed when this call began
		case err != nil:
			return err
		}
		if err := s.deleteAsRead(ctx, u, at); !errors.Is(err, user.ErrConflict) || attempt == maxDeletions {
			return err
		}
	}
}

// maxDeletions bounds the attempts of one deletion. Each concurrent write of the user starts a new
// attempt, so constant writes could otherwise delay a deletion without limit.
const maxDeletions = 20

func (s users) deleteAsRead(ctx context.Context, u user.User, at time.Time) error {
	held, err := s.held(ctx, u.ID, u.Email)
	if err != nil {
		return err
	}
	moves, err := user.MovePointers(u, user.User{}, held)
	if err != nil {
		return err
	}
	e := newExpression()
	items := append([]types.TransactWriteItem{s.delete(userKey(u.ID), e, e.asRead(u))}, s.move(moves, u.ID)...)
	items = append(items, s.db.revoke(session.EndOfUser(u.ID, session.VersionAbove(u.TokenVersion, at), at)))
	return s.transact(ctx, "deleting a user", uuid.NewString(), items, func(reasons []reason) error {
		if reasons[0].failed || len(held) > 0 {
			return user.ErrConflict
		}
		return errors.New("deleting a user: a pointer of the user is not the user's")
	})
}
