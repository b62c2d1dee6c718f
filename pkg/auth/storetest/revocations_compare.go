package storetest

import (
	"context"
	crypto "crypto/rand"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/session"
	"github.com/edgeauth/edgeauth/pkg/auth/user"
)

// CompareRevocations runs random sequences of ends, and of writes that end nothing, in the stores
// and in memory, each with its own user. It returns the first difference of each sequence, in a
// result or in the entries about the user and the user's sessions.
func CompareRevocations(ctx context.Context, s Stores, sequences int, seed uint64) []error {
	errs := make([]error, sequences)
	parallel(sequences, sequences, func(i int) {
		w := &endsWorld{
			Stores: s, rng: rand.New(rand.NewPCG(seed, uint64(i))), now: Epoch,
			id: auth.SubjectID(fmt.Sprintf("ends %d-%d", seed, i)), sessions: map[session.ID]*session.Session{},
		}
		for step := range 60 {
			if err := w.step(ctx); err != nil {
				errs[i] = fmt.Errorf("sequence %d, step %d: %w", i, step, err)
				return
			}
		}
	})
	return slices.DeleteFunc(errs, func(err error) bool { return err == nil })
}

// endsWorld is the model: one user with a few sessions.
type endsWorld struct {
	Stores
	rng      *rand.Rand
	now      time.Time
	id       auth.SubjectID
	user     *user.User
	sessions map[session.ID]*session.Session
	entries  []session.RevocationEntry
}

func (w *endsWorld) step(ctx context.Context) error {
	// A store without a TTL deletes old entries by the clock of the writer. Each sequence has its
	// own clock, so no clock may be hours ahead.
	w.now = w.now.Add(time.Duration(w.rng.IntN(110)) * time.Second).Add(time.Millisecond)
	what, err := w.act(ctx)
	if err == nil {
		err = w.compare(ctx)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	return nil
}

func (w *endsWorld) act(ctx context.Context) (what string, err error) {
	switch op := w.rng.IntN(12); {
	case op < 2:
		return w.begin(ctx)
	case op < 6:
		return w.update(ctx)
	case op < 8:
		return w.raise(ctx)
	case op < 11:
		return w.change(ctx)
	}
	return w.erase(ctx)
}

// begin creates the user or a session.
func (w *endsWorld) begin(ctx context.Context) (what string, err error) {
	if w.user == nil {
		u := user.User{ID: w.id, TokenVersion: w.rng.Uint64N(3), Revision: 1, CreatedAt: w.now, UpdatedAt: w.now}
		w.user = &u
		return "creating the user", w.Users.Create(ctx, u, crypto.Text())
	}
	one := *plain(auth.Balanced).Item
	one.Key = session.Key{Subject: w.id, ID: session.ID{byte(w.rng.IntN(4) + 1)}}
	if w.sessions[one.ID] != nil {
		return "", nil
	}
	w.sessions[one.ID] = &one
	return "creating a session", w.Sessions.Create(ctx, one)
}

// randomUpdate returns an update that may revoke, and whose condition may not hold.
func (w *endsWorld) randomUpdate() (u session.Update) {
	if w.rng.IntN(4) > 0 {
		u = session.Revoke(w.now, session.RevocationUser)
		u.Set.Revocation.Invocation = session.Invocation{byte(w.rng.IntN(2))}
	} else {
		label := crypto.Text()
		u.Set.Label = &label
	}
	client := pick[auth.ClientID](w.rng, "another client", plain(auth.Balanced).Item.Client)
	switch w.rng.IntN(4) {
	case 0:
		u.If.Client = &client
	case 1:
		u.If.IdleSince = plain(auth.Balanced).Item.LastSeen.Add(time.Duration(w.rng.IntN(2)-1) * time.Millisecond)
	}
	return u
}

func (w *endsWorld) update(ctx context.Context) (what string, err error) {
	key, u := session.Key{Subject: w.id, ID: session.ID{byte(w.rng.IntN(4) + 1)}}, w.randomUpdate()
	what = fmt.Sprintf("update %+v of session %d", u, key.ID[0])
	there := w.sessions[key.ID]
	want := u.Do(there)
	if e, revokes := u.Revokes(key); want && revokes {
		w.entries = append(w.entries, e)
	}
	before, done, err := w.Sessions.Update(ctx, key, u)
	if err == nil && (done != want || (before == nil) != (there == nil)) {
		err = fmt.Errorf("before %+v, done %t; want %t", before, done, want)
	}
	return what, err
}

func (w *endsWorld) raise(ctx context.Context) (what string, err error) {
	r := session.Raise{Key: session.Key{Subject: w.id, ID: session.ID{byte(w.rng.IntN(4) + 1)}}, At: w.now}
	if w.user != nil {
		r.From = w.user.TokenVersion + w.rng.Uint64N(5)/4
	}
	r.To = r.From + w.rng.Uint64N(3)
	if w.rng.IntN(2) == 0 {
		u := w.randomUpdate()
		r.Update = &u
	}
	what = fmt.Sprintf("raise %+v", r)
	want := w.user != nil && w.user.TokenVersion == r.From && (r.Update == nil || r.Update.Do(w.sessions[r.Key.ID]))
	if want {
		w.user.TokenVersion, w.user.UpdatedAt = r.To, r.At
		w.user.Revision++
		w.entries = append(w.entries, r.Revokes()...)
	}
	done, err := w.Versions.Raise(ctx, r)
	if w.user == nil && errors.Is(err, auth.ErrNotFound) {
		err = nil
	}
	if err == nil && done != want {
		err = fmt.Errorf("done %t, want %t", done, want)
	}
	return what, err
}

// change updates or moves the user, and raises, lowers or keeps the token version.
func (w *endsWorld) change(ctx context.Context) (what string, err error) {
	from := user.User{ID: w.id, Revision: 1}
	if w.user != nil {
		from = *w.user
	}
	if w.rng.IntN(4) == 0 {
		from.Revision++ // a state that was never stored
	}
	to := from
	to.UpdatedAt, to.Disabled = w.now, w.rng.IntN(2) == 0
	switch w.rng.IntN(4) {
	case 0:
	case 1:
		to.TokenVersion -= min(to.TokenVersion, 1)
	default:
		to.TokenVersion += 1 + w.rng.Uint64N(2)
	}
	if w.rng.IntN(2) == 0 {
		what, err = fmt.Sprintf("update %+v to %+v", from, to), w.Users.Update(ctx, to)
	} else {
		what, err = fmt.Sprintf("move %+v to %+v", from, to), w.Users.Move(ctx, from, to, crypto.Text())
	}
	switch {
	case w.user == nil && errors.Is(err, auth.ErrNotFound):
		return what, nil
	case w.user != nil && from.Revision != w.user.Revision && errors.Is(err, user.ErrConflict):
		return what, nil
	case err != nil:
		return what, err
	case w.user == nil || from.Revision != w.user.Revision:
		return what, errors.New("it succeeded")
	}
	if to.TokenVersion > from.TokenVersion {
		w.entries = append(w.entries, session.EndOfUser(w.id, to.TokenVersion, w.now))
	}
	to.Revision++
	w.user = &to
	return what, nil
}

// erase deletes the user or all sessions. A deleted session does not count as revoked.
func (w *endsWorld) erase(ctx context.Context) (what string, err error) {
	if w.rng.IntN(2) == 0 {
		clear(w.sessions)
		_, err = w.Sessions.DeleteAll(ctx, w.id)
		return "deleting all sessions", err
	}
	err = w.Users.Delete(ctx, w.id, w.now)
	if w.user == nil && errors.Is(err, auth.ErrNotFound) {
		return "deleting no user", nil
	}
	if err == nil && w.user != nil {
		w.entries = append(w.entries, session.EndOfUser(w.id, session.VersionAbove(w.user.TokenVersion, w.now), w.now))
		w.user = nil
	}
	return "deleting the user", err
}

// compare compares the entries about the user and the sessions.
func (w *endsWorld) compare(ctx context.Context) error {
	own := map[session.RevocationID]bool{session.RevocationIDOfUser(w.id): true}
	for i := range 4 {
		own[session.RevocationIDOfSession(session.Key{Subject: w.id, ID: session.ID{byte(i + 1)}})] = true
	}
	since := w.now.Add(-session.RevocationsKept)
	got, err := w.Revocations.Since(ctx, since, w.now)
	if err != nil {
		return err
	}
	got = sorted(slices.DeleteFunc(got, func(e session.RevocationEntry) bool { return !own[e.ID] }))
	want := sorted(slices.DeleteFunc(slices.Clone(w.entries), func(e session.RevocationEntry) bool { return e.At.Before(since) }))
	if !slices.Equal(want, got) {
		return errors.New("the entries:" + difference(want, got))
	}
	return nil
}
