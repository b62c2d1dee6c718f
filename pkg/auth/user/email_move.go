package user

import (
	"context"
	"errors"

	"github.com/edgeauth/edgeauth/pkg/auth"
)

// EmailMove is what [Directory.MoveEmailPointers] did, or would do, for one user.
type EmailMove struct {
	Subject auth.SubjectID
	// Email is the address. It is empty if the user cannot be read; Err then wraps
	// [auth.ErrUnavailable].
	Email string
	// Holder is the other user if Err is [ErrExists].
	Holder auth.SubjectID
	// Err is nil if the pointer was moved. It is [ErrExists] if the pointer belongs to another
	// user, because both addresses normalize to one key. It wraps [ErrEmail] if the domain has no
	// A-label.
	Err error
}

// MoveEmailPointers gives every address the pointer for [NormalizeEmail] and then sets
// [MarkEmailPointers]. Versions before the A-label wrote other pointers for domains that are not
// ASCII or have an A-label; see [EmailPointers]. Run it after the last instance of an earlier
// version has stopped, because an earlier version does not find a moved pointer.
//
// MoveEmailPointers calls each once for every user whose pointer moves or cannot move. It calls
// progress, which may be nil, after each part of the list. It changes no user. If a pointer cannot
// move, its user is still found, and the mark is not set: change the address of the user, or erase
// the user, and call MoveEmailPointers again. It is safe to interrupt and to repeat. With dryRun it
// writes nothing. marked reports whether the store has the mark.
func (d *Directory) MoveEmailPointers(
	ctx context.Context, dryRun bool, each func(EmailMove), progress func(users int),
) (marked bool, err error) {
	if marked, err := d.Store.Marked(ctx, MarkEmailPointers); err != nil || marked {
		return marked, err
	}
	for {
		moved, left := 0, 0
		planned := make(map[Email]auth.SubjectID) // of a dry run
		err := d.eachUser(ctx, progress, func(m EmailMove) error {
			if m.Err == nil {
				if m, err = d.moveEmailPointer(ctx, m, dryRun, planned); err != nil || m.Subject == "" {
					return err
				}
			}
			if m.Err == nil {
				moved++
			} else {
				left++
			}
			each(m)
			return nil
		})
		if err != nil || dryRun || left > 0 {
			return false, err
		}
		// A list may miss the newest users, so MoveEmailPointers stops only after a list without a
		// move.
		if moved == 0 {
			err := d.Store.SetMark(ctx, MarkEmailPointers)
			return err == nil, err
		}
	}
}

// eachUser calls f for each user. If a user cannot be read, f gets the error.
func (d *Directory) eachUser(ctx context.Context, progress func(users int), f func(EmailMove) error) error {
	n := 0
	for after := auth.SubjectID(""); ; {
		page, err := d.Store.List(ctx, after, emailMovePage)
		if err != nil {
			return err
		}
		for _, u := range page.Users {
			if err := f(EmailMove{Subject: u.ID, Email: u.Email}); err != nil {
				return err
			}
		}
		for _, u := range page.Unreadable {
			if err := f(EmailMove{Subject: u.ID, Err: u.Err}); err != nil {
				return err
			}
		}
		if n += len(page.Users) + len(page.Unreadable); progress != nil {
			progress(n)
		}
		if after = page.Next; after == "" {
			return nil
		}
	}
}

// emailMovePage is how many users are listed at a time.
const emailMovePage = 100

// moveEmailPointer moves the pointer of one user. The result is the zero EmailMove if the pointer
// need not move. planned holds the moves of a dry run so far.
func (d *Directory) moveEmailPointer(ctx context.Context, m EmailMove, dryRun bool, planned map[Email]auth.SubjectID) (EmailMove, error) {
	if plainDomain(domainOf(m.Email)) {
		return EmailMove{}, nil // this covers a user without an e-mail
	}
	key, err := NormalizeEmail(m.Email)
	if err != nil {
		m.Err = err
		return m, nil
	}
	holder, err := d.Store.ByPointer(ctx, key.Pointer())
	switch {
	case errors.Is(err, auth.ErrNotFound):
		holder = planned[key]
	case err != nil:
		return EmailMove{}, err
	}
	switch {
	case holder == m.Subject:
		return EmailMove{}, nil
	case holder != "":
		m.Holder, m.Err = holder, ErrExists
		return m, nil
	case dryRun:
		planned[key] = m.Subject
		return m, nil
	}
	switch err := d.Store.MoveEmailPointer(ctx, m.Subject, m.Email); {
	case errors.Is(err, ErrExists):
		// A parallel call of MoveEmailPointers has moved the pointer of another user.
		m.Err = ErrExists
		if m.Holder, err = d.Store.ByPointer(ctx, key.Pointer()); errors.Is(err, auth.ErrNotFound) {
			err = nil
		}
		return m, err
	case errors.Is(err, auth.ErrNotFound):
		return d.withoutPointer(ctx, m)
	default:
		return m, err
	}
}

// withoutPointer returns an EmailMove for a user without a pointer for the address. It returns the
// zero EmailMove if the user was erased, or got another address after the list was read.
func (d *Directory) withoutPointer(ctx context.Context, m EmailMove) (EmailMove, error) {
	switch u, err := d.Store.Get(ctx, m.Subject); {
	case errors.Is(err, auth.ErrNotFound), err == nil && u.Email != m.Email:
		return EmailMove{}, nil
	case err != nil:
		return EmailMove{}, err
	}
	m.Err = errNoPointer
	return m, nil
}

// errNoPointer says that a user's record and pointers do not agree.
var errNoPointer = errors.New("no pointer leads from the address to the user")
