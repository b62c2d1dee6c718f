package dynamo

import (
	"context"
	"errors"
	"slices"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/google/uuid"

	"github.com/edgeauth/edgeauth/internal/awsclient"
	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/user"
)

// ByEmail implements [user.Store]. For nearly all addresses it is one GetItem.
func (s users) ByEmail(ctx context.Context, email string) (auth.SubjectID, error) {
	pointers := s.unmoved(email, user.EmailPointers(email))
	if len(pointers) == 1 {
		return s.ByPointer(ctx, pointers[0])
	}
	owners, err := s.owners(ctx, pointers)
	if err != nil {
		return "", err
	}
	for _, owner := range owners {
		if owner != "" {
			return owner, nil
		}
	}
	return "", auth.ErrNotFound
}

// unmoved returns the pointers of an address that can exist in this table.
func (s users) unmoved(email string, pointers []user.Pointer) []user.Pointer {
	if len(pointers) == 1 || !s.db.emailPointersMoved.Load() {
		return pointers
	}
	key, err := user.NormalizeEmail(email)
	if err != nil {
		return pointers
	}
	return []user.Pointer{key.Pointer()}
}

// held returns the pointers that lead from an address to a user. If the address has only one
// pointer, held returns nil without I/O.
func (s users) held(ctx context.Context, id auth.SubjectID, email string) (held []user.Pointer, err error) {
	pointers := s.unmoved(email, user.HeldEmailPointers(email))
	if len(pointers) == 1 {
		return nil, nil
	}
	owners, err := s.owners(ctx, pointers)
	if err != nil {
		return nil, err
	}
	for i, owner := range owners {
		if owner == id {
			held = append(held, pointers[i])
		}
	}
	return held, nil
}

// owners returns the subject of each pointer, or "" for an unknown pointer. It reads the pointers
// in one transaction: while a pointer moves, two separate reads could miss it, one before the move
// and the other after it. The transaction also reads the mark that makes the other pointers
// superfluous. A table never loses its mark, so the mark is read until it is found.
func (s users) owners(ctx context.Context, pointers []user.Pointer) ([]auth.SubjectID, error) {
	ctx, cancel := s.db.bounded(ctx)
	defer cancel()
	in := &dynamodb.TransactGetItemsInput{}
	for _, key := range append(pointerKeys(pointers), markKey(user.MarkEmailPointers)) {
		in.TransactItems = append(in.TransactItems, types.TransactGetItem{Get: &types.Get{TableName: &s.db.tables.Users, Key: key}})
	}
	out, err := s.transactGet(ctx, in)
	if err != nil {
		return nil, failed("reading the pointers of an e-mail", err)
	}
	owners := make([]auth.SubjectID, len(pointers))
	for i := range owners {
		if item := out.Responses[i].Item; len(item) > 0 {
			if owners[i], err = ownerOf(item); err != nil {
				return nil, err
			}
		}
	}
	marked, err := isMark(out.Responses[len(pointers)].Item)
	if marked {
		s.db.emailPointersMoved.Store(true)
	}
	return owners, err
}

// transactGet reads items in one transaction. The engine refuses the read while another transaction
// writes one of the items.
func (s users) transactGet(ctx context.Context, in *dynamodb.TransactGetItemsInput) (*dynamodb.TransactGetItemsOutput, error) {
	for attempt := 1; ; attempt++ {
		out, err := s.db.client.TransactGetItems(ctx, in)
		if _, _, conflict := reasonsOf(err, len(in.TransactItems)); !conflict || attempt == awsclient.MaxAttempts {
			return out, err
		}
		if err := pause(ctx, attempt); err != nil {
			return nil, err
		}
	}
}

func pointerKeys(pointers []user.Pointer) (keys []attributes) {
	for _, p := range pointers {
		keys = append(keys, pointerKey(p))
	}
	return keys
}

// MoveEmailPointer implements [user.Store].
func (s users) MoveEmailPointer(ctx context.Context, id auth.SubjectID, email string) error {
	key, err := user.NormalizeEmail(email)
	if err != nil {
		return err
	}
	to := key.Pointer()
	for attempt := 1; ; attempt++ {
		pointers := user.HeldEmailPointers(email)
		owners, err := s.owners(ctx, pointers)
		if err != nil {
			return err
		}
		var held []user.Pointer
		for i, owner := range owners {
			if owner == id {
				held = append(held, pointers[i])
			}
		}
		switch {
		case len(held) == 0:
			return auth.ErrNotFound
		case slices.Contains(held, to):
			return nil
		}
		items := s.move(user.PointerMoves{Remove: held, Add: []user.Pointer{to}}, id)
		err = s.transact(ctx, "moving the pointer of an e-mail", uuid.NewString(), items, func(reasons []reason) error {
			// The pointer has moved since it was read. This call may have moved it, if its reply
			// was lost.
			if slices.ContainsFunc(reasons[:len(held)], func(r reason) bool { return r.failed }) {
				return user.ErrConflict
			}
			return user.ErrExists
		})
		if !errors.Is(err, user.ErrConflict) || attempt == maxDeletions {
			return err
		}
	}
}
