package dynamo

import (
	"context"
	"errors"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/google/uuid"

	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/user"
)

// ChangeEmail implements user.Store.
func (s Users) ChangeEmail(ctx context.Context, u user.User, email, request string) error {
	from, err := user.NormalizeEmail(u.Email)
	if err != nil {
		return err
	}
	to, err := user.NormalizeEmail(email)
	if err != nil {
		return err
	}
	after := u
	after.Email = email
	after.Revision++
	e := newExpression()
	condition := e.asRead(u)
	set, err := e.setUser(after, request)
	if err != nil {
		return err
	}
	items := []types.TransactWriteItem{s.change(userKey(u.ID), e, condition, set)}
	// Items of one transaction must differ, so a pointer that stays where it is takes no part.
	if to != from {
		items = append(items, s.newPointer(to, u.ID), s.deletePointer(from, u.ID))
	}
	return s.transact(ctx, "changing an e-mail", request, items, func(reasons []reason) error {
		switch mine := reasons[0]; {
		case mine.failed && mine.write() == request:
			return nil
		case mine.failed && mine.item == nil:
			return auth.ErrNotFound
		case mine.failed:
			return user.ErrConflict
		case reasons[1].failed:
			return user.ErrExists
		}
		return errors.New("changing an e-mail: the pointer from the old one is not the user's")
	})
}

// Delete implements user.Store. The pointer stands under the e-mail, which only the user tells, so it reads first.
func (s Users) Delete(ctx context.Context, id auth.SubjectID) error {
	for attempt := 1; ; attempt++ {
		u, err := s.Get(ctx, id)
		switch {
		case errors.Is(err, auth.ErrNotFound) && attempt > 1:
			return nil // it was there when this call began
		case err != nil:
			return err
		}
		if err := s.deleteAsRead(ctx, u); !errors.Is(err, user.ErrConflict) || attempt == maxDeletions {
			return err
		}
	}
}

// maxDeletions is how often a deletion begins again after a concurrent write of the user. Writers that never rest
// would keep a deletion waiting for ever.
const maxDeletions = 20

func (s Users) deleteAsRead(ctx context.Context, u user.User) error {
	email, err := user.NormalizeEmail(u.Email)
	if err != nil {
		return err
	}
	e := newExpression()
	items := []types.TransactWriteItem{
		s.delete(userKey(u.ID), e, e.asRead(u)),
		s.deletePointer(email, u.ID),
	}
	return s.transact(ctx, "deleting a user", uuid.NewString(), items, func(reasons []reason) error {
		if reasons[0].failed {
			return user.ErrConflict
		}
		return errors.New("deleting a user: the pointer from the e-mail is not the user's")
	})
}
