package dynamo

import (
	"context"
	"errors"
	"slices"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/google/uuid"

	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/user"
)

// Move implements [user.Store].
func (s users) Move(ctx context.Context, from, to user.User, request string) error {
	added, removed, err := user.PointerMoves(from, to)
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
	items := []types.TransactWriteItem{s.change(userKey(from.ID), e, condition, set)}
	for _, p := range added {
		items = append(items, s.newPointer(p, from.ID))
	}
	for _, p := range removed {
		items = append(items, s.deletePointer(p, from.ID))
	}
	return s.transact(ctx, "moving a user", request, items, func(reasons []reason) error {
		switch mine := reasons[0]; {
		case mine.failed && mine.write() == request:
			return nil
		case mine.failed && mine.item == nil:
			return auth.ErrNotFound
		case mine.failed:
			return user.ErrConflict
		case slices.ContainsFunc(reasons[1:1+len(added)], func(r reason) bool { return r.failed }):
			return user.ErrExists
		}
		return errors.New("moving a user: a pointer of the user is not the user's")
	})
}

// Delete implements [user.Store]. It reads the user first to learn which pointers lead to the user.
func (s users) Delete(ctx context.Context, id auth.SubjectID) error {
	for attempt := 1; ; attempt++ {
		u, err := s.Get(ctx, id)
		switch {
		case errors.Is(err, auth.ErrNotFound) && attempt > 1:
			return nil // the user existed when this call began
		case err != nil:
			return err
		}
		if err := s.deleteAsRead(ctx, u); !errors.Is(err, user.ErrConflict) || attempt == maxDeletions {
			return err
		}
	}
}

// maxDeletions bounds the attempts of one deletion. Each concurrent write of the user starts a new
// attempt, so constant writes would otherwise delay a deletion for ever.
const maxDeletions = 20

func (s users) deleteAsRead(ctx context.Context, u user.User) error {
	_, pointers, err := user.PointerMoves(u, user.User{})
	if err != nil {
		return err
	}
	e := newExpression()
	items := []types.TransactWriteItem{s.delete(userKey(u.ID), e, e.asRead(u))}
	for _, p := range pointers {
		items = append(items, s.deletePointer(p, u.ID))
	}
	return s.transact(ctx, "deleting a user", uuid.NewString(), items, func(reasons []reason) error {
		if reasons[0].failed {
			return user.ErrConflict
		}
		return errors.New("deleting a user: a pointer of the user is not the user's")
	})
}
