package session

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/edgeauth/edgeauth/pkg/auth"
)

const (
	// revocationsEvery is the time between two reads of a [RevocationList], and the time limit of a
	// read that a request begins. If a function was frozen during a read, the read is much older
	// than this when the function resumes, and the list begins another read.
	revocationsEvery = 5 * time.Second
	// revocationsLoading is the time limit of [RevocationList.Load]. Lambda gives a start 10
	// seconds.
	revocationsLoading = 8 * time.Second
	// revocationsTrusted is the age up to which a list decides without a fresh read.
	revocationsTrusted = 30 * time.Second
	// revocationsPatience is how long a request waits for a read if the list is fresh enough to
	// decide without it.
	revocationsPatience = 200 * time.Millisecond
	// revocationsLongest is how long a request waits for a read if the list is too old to decide
	// without it.
	revocationsLongest = 2 * time.Second
	// revocationsOverlap is how far before the last read the next read begins. It covers the clocks
	// of the writers and the time between the stamp of an entry and its write.
	revocationsOverlap = time.Minute
	// revocationsMargin is how long an entry is kept after the last token that it refuses has
	// expired. It covers the clocks of the writers and the [token.Leeway] of their tokens.
	revocationsMargin = 2 * time.Minute
	// clocksApart is how far the clocks of two functions may be apart.
	clocksApart = 5 * time.Second
)

// RevocationListConfig holds the settings of a [RevocationList]. Revocations and Lifetime are
// required.
type RevocationListConfig struct {
	Revocations Revocations
	// Lifetime is the longest lifetime of any access token that the issuer issues. The list keeps
	// an entry for this time plus 2 minutes, and the first read covers the same period.
	Lifetime time.Duration
	// SessionsNotBefore has the same value as in [Rules]. Access tokens that were issued before it
	// are refused.
	SessionsNotBefore time.Time
	Now               func() time.Time // the clock; nil means time.Now
}

// RevocationList knows which sessions have ended within the last token lifetime. It refuses access
// tokens without a read for each request, so its cost does not grow with the traffic:
//
//	list, err := session.NewRevocationList(session.RevocationListConfig{
//		Revocations: db.Revocations(), Lifetime: token.MaxLifetime,
//	})
//	err = list.Load(ctx)
//	ended, err := list.CheckToken(ctx, principal)
//
// While requests arrive, the list reads new entries at most every 5 seconds. A token is refused at
// the latest 5 seconds and one read after the call that ended its session has returned. If the
// store is slow or does not answer, the list decides without it until the list is 30 seconds old.
// An older list decides nothing, and CheckToken returns an error.
//
// It is safe for concurrent use. Concurrent requests share a read.
type RevocationList struct {
	c RevocationListConfig

	mu       sync.RWMutex
	sessions map[RevocationID]int64 // ended sessions, and how long their entries are kept, in Unix seconds
	users    map[RevocationID]superseded
	issuedBy time.Time // tokens that were issued at or before it are refused
	readAt   time.Time // begin of the last successful read; zero before the first
	triedAt  time.Time // begin of the last read
	reading  *revocationRead
	sweptAt  time.Time
}

// superseded says that tokens of a user with a lower version are refused.
type superseded struct {
	version uint64
	until   int64 // end of the entry, in Unix seconds
}

// revocationRead is a read that is under way.
type revocationRead struct {
	begun  time.Time
	limit  time.Duration
	cancel context.CancelFunc
	done   chan struct{} // closed at the end
	err    error         // set before done is closed

	slow     chan struct{} // closed once a request has stopped waiting for the read
	waitOnce sync.Once
}

// NewRevocationList returns a list that has not read anything. The error names the field of c that
// is missing.
func NewRevocationList(c RevocationListConfig) (*RevocationList, error) {
	switch {
	case c.Revocations == nil:
		return nil, errors.New("session: RevocationListConfig.Revocations is missing")
	case c.Lifetime <= 0 || c.Lifetime > RevocationsKept-revocationsMargin:
		return nil, fmt.Errorf("session: RevocationListConfig.Lifetime is %v (want the longest lifetime of an access token, at most %v)",
			c.Lifetime, RevocationsKept-revocationsMargin)
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	return &RevocationList{
		c: c, sessions: map[RevocationID]int64{}, users: map[RevocationID]superseded{}, issuedBy: c.SessionsNotBefore,
	}, nil
}

// Load reads the entries of the last token lifetime. It waits for the read until ctx ends, at most
// 8 seconds. Call it before the first request, which otherwise waits for the read. The list is
// usable after an error: the next request reads again. The error wraps [auth.ErrUnavailable] if the
// store did not answer.
func (l *RevocationList) Load(ctx context.Context) error {
	r := l.begin(l.c.Now(), true, revocationsLoading)
	select {
	case <-r.done:
		return r.err
	case <-ctx.Done():
		return fmt.Errorf("reading revocations: %w: %w", auth.ErrUnavailable, ctx.Err())
	}
}

// Refresh begins to read new entries if the last read began at least 5 seconds ago, and returns at
// once. Call it early in a request, before work that does not depend on CheckToken.
func (l *RevocationList) Refresh() {
	now := l.c.Now()
	l.mu.RLock()
	due := elapsed(l.triedAt, now) >= revocationsEvery
	l.mu.RUnlock()
	if due {
		l.begin(now, false, revocationsEvery)
	}
}

// CheckToken returns "" if a verified access token may be used, and otherwise the [Outcome]. It
// uses the Subject, the SessionID, the TokenVersion and IssuedAt of p.
//
//   - [OutcomeRevoked]: the session was ended.
//   - [OutcomeSubjectSuperseded]: sessions of the user with a higher token version were ended. A token
//     without a version counts as lower than any.
//   - [OutcomeNotBefore]: the sessions of all users were ended after the token was issued.
//
// If a read is due, CheckToken waits for it up to 200 ms, and then decides by the list as it is. If
// the list is older than 30 seconds, CheckToken waits up to 2 seconds. An error means that the list
// is too old and could not be read; it decides nothing.
//
// CheckToken continues if the context is cancelled: a client that disconnects must not look like a
// store that fails.
func (l *RevocationList) CheckToken(_ context.Context, p auth.Principal) (ended string, err error) {
	if err := l.ready(); err != nil {
		return "", err
	}
	return string(l.ended(p)), nil
}

// ready waits until the list may decide. The error says that the list is too old and could not be
// read.
func (l *RevocationList) ready() error {
	var patience, longest *time.Timer
	for {
		now := l.c.Now()
		l.mu.RLock()
		age, tried, r := elapsed(l.readAt, now), elapsed(l.triedAt, now), l.reading
		l.mu.RUnlock()
		switch {
		case age < revocationsEvery:
			return nil
		case age < revocationsTrusted:
			if tried >= revocationsEvery {
				r = l.begin(now, false, revocationsEvery)
			}
			if r == nil {
				return nil // the last read failed, or has just ended
			}
			patience = timer(patience, revocationsPatience)
			if !r.wait(patience) {
				return nil
			}
			continue
		}
		joined := r != nil && tried < revocationsEvery
		if !joined {
			r = l.begin(now, true, revocationsEvery)
		}
		longest = timer(longest, revocationsLongest)
		select {
		case <-r.done:
			// A read that another request began may have failed because the function was frozen.
			// Only the request's own read may refuse the request.
			if r.err != nil && !joined {
				return r.err
			}
		case <-longest.C:
			return fmt.Errorf("the list of revocations is too old, and its read takes longer than %v: %w", revocationsLongest, auth.ErrUnavailable)
		}
	}
}

// timer returns t, or a new timer if t is nil: a request that waits several times has one deadline.
func timer(t *time.Timer, d time.Duration) *time.Timer {
	if t == nil {
		t = time.NewTimer(d)
	}
	return t
}

// wait reports whether the read ended before the timer. After one request has waited for the full
// time, other requests do not wait, so a slow store delays one request in 5 seconds.
func (r *revocationRead) wait(patience *time.Timer) bool {
	select {
	case <-r.done:
		return true
	case <-r.slow:
	case <-patience.C:
		r.waitOnce.Do(func() { close(r.slow) })
	}
	return false
}

// begin returns the current read, or begins a new read. It gives up a read that is older than its
// time limit, which was frozen with its function. Unless a read is needed, begin starts at most one
// read every 5 seconds and otherwise returns nil, so that neither traffic nor a failing store
// causes more reads.
func (l *RevocationList) begin(now time.Time, needed bool, limit time.Duration) *revocationRead {
	l.mu.Lock()
	defer l.mu.Unlock()
	if r := l.reading; r != nil {
		if elapsed(r.begun, now) < r.limit {
			return r
		}
		r.cancel()
	}
	if !needed && elapsed(l.triedAt, now) < revocationsEvery {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	r := &revocationRead{begun: now, limit: limit, cancel: cancel, done: make(chan struct{}), slow: make(chan struct{})}
	l.reading, l.triedAt = r, now
	since := now.Add(-l.kept())
	// A clock that is set back must not leave a gap.
	if last := earlier(l.readAt.Round(0), now.Round(0)).Add(-revocationsOverlap); last.After(since) {
		since = last
	}
	go l.read(ctx, r, since)
	return r
}

func (l *RevocationList) kept() time.Duration { return l.c.Lifetime + revocationsMargin }

func (l *RevocationList) read(ctx context.Context, r *revocationRead, since time.Time) {
	defer r.cancel()
	entries, err := l.entries(ctx, since, r.begun)
	l.mu.Lock()
	defer l.mu.Unlock()
	if err == nil {
		l.add(entries)
		// Entries that were written after the read began may be missing, so the begin counts.
		if r.begun.After(l.readAt) {
			l.readAt = r.begun
		}
	}
	if l.reading == r {
		l.reading = nil
	}
	r.err = err
	close(r.done)
}

// entries reads the store. It turns a panic of a store into an error: on this goroutine a panic
// would end the process.
func (l *RevocationList) entries(ctx context.Context, since, now time.Time) (found []RevocationEntry, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("reading revocations: panic: %v", p)
		}
	}()
	return l.c.Revocations.Since(ctx, since, now)
}

// add takes entries into the list, and deletes entries whose tokens have all expired.
func (l *RevocationList) add(entries []RevocationEntry) {
	for _, e := range entries {
		switch until := e.At.Add(l.kept()).Unix() + 1; {
		case !e.IssuedBy.IsZero():
			// The clock of an issuer may be ahead of the writer's clock. A token that was issued
			// shortly after the end is therefore refused too, and its client refreshes.
			if at := e.IssuedBy.Add(clocksApart); at.After(l.issuedBy) {
				l.issuedBy = at
			}
		case e.Below > 0:
			u := l.users[e.ID]
			l.users[e.ID] = superseded{max(u.version, e.Below), max(u.until, until)}
		default:
			l.sessions[e.ID] = max(l.sessions[e.ID], until)
		}
	}
	now := l.c.Now()
	if elapsed(l.sweptAt, now) < time.Minute {
		return
	}
	l.sweptAt = now
	// A map keeps its memory when its elements are deleted. A new map is as large as its contents.
	sessions := make(map[RevocationID]int64, len(l.sessions))
	for id, until := range l.sessions {
		if until > now.Unix() {
			sessions[id] = until
		}
	}
	users := make(map[RevocationID]superseded, len(l.users))
	for id, u := range l.users {
		if u.until > now.Unix() {
			users[id] = u
		}
	}
	l.sessions, l.users = sessions, users
}

// ended returns why the token of p may not be used, or "".
func (l *RevocationList) ended(p auth.Principal) Outcome {
	// A token without a session id can belong to a user who was ended, but not to a session that
	// was ended.
	id, err := ParseID(p.SessionID)
	session, user := RevocationIDOfSession(Key{Subject: p.Subject, ID: id}), RevocationIDOfUser(p.Subject)
	l.mu.RLock()
	defer l.mu.RUnlock()
	if _, found := l.sessions[session]; found && err == nil {
		return OutcomeRevoked
	}
	if u, found := l.users[user]; found && p.TokenVersion.Below(u.version) {
		return OutcomeSubjectSuperseded
	}
	if !l.issuedBy.IsZero() && !p.IssuedAt.After(l.issuedBy) {
		return OutcomeNotBefore
	}
	return ""
}

// elapsed returns the time from t to now: the larger of the wall clock's and the monotonic clock's.
// The wall clock may be set back, and the monotonic clock stops while a machine sleeps.
func elapsed(t, now time.Time) time.Duration {
	return max(now.Sub(t), now.Round(0).Sub(t.Round(0)))
}
