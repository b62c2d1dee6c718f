package session

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/edgeauth/edgeauth/pkg/auth"
)

// Config holds the parts of a [Manager]. Store, Subjects and Keys are required.
type Config struct {
	Store    Store
	Subjects Subjects
	Keys     Keys // the keys of refresh tokens
	// Versions raises the token versions of users. Only EndOthers and EndAll need it.
	Versions Versions
	Rules    Rules            // the zero Rules are DefaultRules
	Now      func() time.Time // the clock; nil means time.Now
	Rand     io.Reader        // cryptographic, and must not fail; nil means crypto/rand.Reader
	// Clients tells which clients are configured. Sessions of other clients are refused with
	// [ErrUnknownClient]. nil accepts every client.
	Clients interface{ Has(auth.ClientID) bool }
}

// Manager opens, refreshes and ends sessions. It is safe for concurrent use.
type Manager struct {
	c     Config
	codec Codec
}

// NewManager returns a Manager. Its error names the field of c that is missing or wrong.
func NewManager(c Config) (*Manager, error) {
	switch {
	case c.Store == nil:
		return nil, errors.New("session: Config.Store is missing")
	case c.Subjects == nil:
		return nil, errors.New("session: Config.Subjects is missing")
	case c.Keys == nil:
		return nil, errors.New("session: Config.Keys is missing")
	}
	if c.Rules == (Rules{}) {
		c.Rules = DefaultRules()
	}
	if c.Rules.MinimumInterval <= c.Rules.GracePeriod || c.Rules.GracePeriod <= 0 || c.Rules.LateUse <= 0 || c.Rules.Handover <= 0 ||
		c.Rules.StoreWithin < time.Second {
		return nil, errors.New("session: Config.Rules are invalid (want 0 < GracePeriod < MinimumInterval, 0 < LateUse, 0 < Handover and a StoreWithin of at least a second, as in DefaultRules)")
	}
	if !c.Rules.RestoredUntil.IsZero() && !c.Rules.SessionsNotBefore.IsZero() {
		return nil, errors.New("session: Config.Rules has RestoredUntil and SessionsNotBefore (want one: the first keeps the sessions of a backup, the second ends them)")
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Rand == nil {
		c.Rand = rand.Reader
	}
	return &Manager{c, Codec{c.Keys}}, nil
}

// Opening is a proven login, ready to become a session.
type Opening struct {
	// Subject must come from the same read of the user that the password was verified against: its
	// TokenVersion binds the session.
	Subject  auth.Subject
	Client   auth.Client
	AuthTime time.Time // when the user proved their identity
	AMR      []string  // by which methods, for example pwd (RFC 8176); may be empty
	// UserAgent and Address are for the user's list of sessions. Open leaves out the characters that
	// a label cannot contain.
	UserAgent, Address string
}

// Granted is the result of [Manager.Open] and [Manager.Refresh]: a session and its next refresh
// token.
type Granted struct {
	Outcome Outcome
	Session Session
	Subject auth.Subject
	// RefreshToken is empty if Outcome is [OutcomeSame]: the client keeps the token that it has (RFC 6749,
	// section 6). A copy of that token that arrived late could replace a newer branch in the
	// client's store. Two branches could then take turns in the store until both were presented for
	// one generation, which is how theft looks.
	RefreshToken auth.Secret
	// StoreWithin is for how long after it sent its request the client may store RefreshToken; see
	// [Rules].
	StoreWithin time.Duration
	// Ended are the sessions that this one has replaced and that the call has ended, for the audit
	// log. It is also set if the call fails afterwards.
	Ended []Key
	// Evicted are the sessions that Open has ended because of the client's MaxSessions, for the audit
	// log. Each has the outcome OutcomeEnded, or another outcome and sessions that it had replaced.
	Evicted []Ended
	// EvictErr is why more sessions than the client's MaxSessions may be left, or nil. It is a
	// [*Refusal]. The new session is open all the same, and the next one ends those that are left.
	EvictErr error
}

// Open begins a session by one write. The client's profile must be one of package auth, its idle
// timeout at least [Rules.MinimumIdleTimeout], its absolute timeout above zero, and its MaxSessions
// not below zero. If Config.Clients is set, it must have the client. AuthTime must not be zero.
// Otherwise Open writes nothing, and the error names what is wrong. Errors wrap
// [auth.ErrUnavailable] if the store or the keys did not answer.
//
// If the client has MaxSessions, Open then reads the user's sessions by one query, and ends those
// over the limit. Its caller writes an audit line for each of Granted.Evicted and for
// Granted.EvictErr.
func (m *Manager) Open(ctx context.Context, o Opening) (Granted, error) {
	if err := m.check(o); err != nil {
		return Granted{}, err
	}
	g, err := m.open(ctx, o, Session{})
	if limit := o.Client.MaxSessions; err == nil && limit > 0 {
		g.Evicted, g.EvictErr = m.evict(ctx, o.Subject, limit, g.Session)
	}
	return g, err
}

// open opens a session that replaces another one, or none if that is the zero Session.
func (m *Manager) open(ctx context.Context, o Opening, replaced Session) (Granted, error) {
	now := millis(m.c.Now())
	token := Token{Profile: o.Client.Profile, Subject: o.Subject.ID, IssuedAt: now.Truncate(time.Second)}
	var secret [secretBytes]byte
	if err := m.random(secret[:], token.Branch[:]); err != nil {
		return Granted{}, err
	}
	token.Secret = auth.NewSecret(string(secret[:]))
	text, err := m.codec.Seal(ctx, token)
	if err != nil {
		return Granted{}, err
	}
	s := Session{
		Key: token.Key(), Kind: RefreshKind, Profile: o.Client.Profile, Client: o.Client.ID, Scope: o.Client.Scope,
		TokenVersion: o.Subject.TokenVersion,
		IdleTimeout:  o.Client.IdleTimeout, IdleEnd: now.Add(o.Client.IdleTimeout), AbsoluteEnd: now.Add(o.Client.AbsoluteTimeout),
		CreatedAt: now, LastSeen: now, AuthTime: millis(o.AuthTime), AMR: o.AMR, Replaces: replaced.ID,
		UserAgent: shown(o.UserAgent), Address: shown(o.Address), Label: replaced.Label,
	}
	if err := m.c.Store.Create(ctx, s); err != nil {
		return Granted{}, fmt.Errorf("creating a session: %w", err)
	}
	return Granted{Session: s, Subject: o.Subject, RefreshToken: text, StoreWithin: m.c.Rules.StoreWithin}, nil
}

// check returns an error for an opening that could not be refreshed or issued a token for.
func (m *Manager) check(o Opening) error {
	if m.c.Clients != nil && !m.c.Clients.Has(o.Client.ID) {
		// Not ErrUnknownClient, by which a client is refused: the program has made the mistake.
		return fmt.Errorf("session: client %q is not configured (want one of Config.Clients)", o.Client.ID)
	}
	if o.AuthTime.IsZero() {
		return errors.New("session: Opening.AuthTime is zero (want the time at which the user proved their identity)")
	}
	if i := slices.IndexFunc(o.AMR, func(word string) bool { return word == "" || strings.ContainsFunc(word, notInMethod) }); i >= 0 {
		return fmt.Errorf("session: Opening.AMR has the method %q (want printable ASCII without spaces)", o.AMR[i])
	}
	if !o.Client.Profile.Valid() {
		return fmt.Errorf("session: the profile of client %q is %d (want auth.Balanced, auth.Strict or auth.Fixed)", o.Client.ID, o.Client.Profile)
	}
	if least := m.c.Rules.MinimumIdleTimeout(); o.Client.IdleTimeout < least {
		return fmt.Errorf("session: idle timeout %v of client %q is too short (want at least %v)", o.Client.IdleTimeout, o.Client.ID, least)
	}
	if o.Client.AbsoluteTimeout <= 0 {
		return fmt.Errorf("session: absolute timeout %v of client %q is too short (want more than 0)", o.Client.AbsoluteTimeout, o.Client.ID)
	}
	if o.Client.MaxSessions < 0 {
		return fmt.Errorf("session: MaxSessions of client %q is %d (want 0, or the number of sessions of a user)", o.Client.ID, o.Client.MaxSessions)
	}
	return nil
}

// notInMethod reports whether a method of authentication cannot contain r: the methods of a session
// are stored and passed on as one text, separated by spaces.
func notInMethod(r rune) bool { return r <= ' ' || r > '~' }

// Request is a refresh as a client asks for it.
type Request struct {
	RefreshToken auth.Secret
	// Client is the client that the request names, or nil if it names none.
	Client *auth.ClientID
	// Scope is the scope to which the request narrows the access token. If it is empty, the access
	// token gets the session's whole scope.
	Scope []string
	// OnTheft is called if the token proves that it was copied, before the write that ends the
	// session. So the theft is on record even if the reply to that write is lost or the process
	// ends. Refresh then returns an equal refusal, or one with [OutcomeFailed] if the store did not
	// confirm the end; the next use of such a token calls OnTheft again, unless the session has
	// ended. nil calls nothing.
	OnTheft func(*Refusal)
}

// Refresh continues the session of a refresh token. It does one conditional write and, in parallel,
// one read of the user. A request that names a scope costs one more read, before the write. If the
// user has a newer token version than the session, one more read confirms that the session has
// ended.
//
// Every error is a [*Refusal]. It wraps [ErrEnded] if the token will never work again, [ErrScope]
// if the request asks for more than was granted, [ErrForeignClient] or [ErrUnknownClient] if the
// client may not use the session, and [auth.ErrUnavailable] if nothing was decided. The token stays
// good unless the error wraps ErrEnded.
func (m *Manager) Refresh(ctx context.Context, r Request) (Granted, error) {
	token, err := m.codec.Parse(ctx, r.RefreshToken)
	if err != nil {
		return Granted{}, err
	}
	p := Presented{Token: token, Client: r.Client, Now: millis(m.c.Now())}
	if err := m.checkScope(ctx, p, r.Scope); err != nil {
		return Granted{}, err
	}
	if err := m.random(p.Invocation[:], p.Fresh[:]); err != nil {
		return Granted{}, m.refuse(p.Token.Key(), OutcomeFailed, err)
	}
	var (
		subject    auth.Subject
		subjectErr error
		d          Decision
		ended      []Key // by a step-up
		confirmed  bool  // nothing is left to end
	)
	if token.Profile == auth.Strict {
		// In the strict profile, a rotation whose answer is an error logs the client out. So user
		// and client are checked, and a replaced session ends, before the write.
		var foreseen Decision
		subject, subjectErr = m.beside(ctx, token.Subject, func() { foreseen, err = m.foresee(ctx, p) })
		if subjectErr != nil && !errors.Is(subjectErr, auth.ErrNotFound) {
			return Granted{}, m.refuse(p.Token.Key(), OutcomeFailed, subjectErr)
		}
		if err == nil && foreseen.Outcome.Grants() && !m.has(foreseen.Session.Client) {
			err = m.refuse(p.Token.Key(), OutcomeUnknownClient, nil)
		}
		if err != nil {
			return Granted{}, err
		}
		if foreseen.Outcome.Grants() && subjectOutcome(subject, subjectErr, foreseen.Session) == "" {
			if ended, err = m.endReplaced(ctx, Key{token.Subject, foreseen.Ends}); err != nil {
				return Granted{Ended: ended}, m.refuse(p.Token.Key(), OutcomeFailed, err)
			}
			confirmed = true
		}
		var more []Key
		d, more, err = m.decide(ctx, p, r.OnTheft)
		ended = append(ended, more...)
	} else {
		subject, subjectErr = m.beside(ctx, token.Subject, func() { d, ended, err = m.decide(ctx, p, r.OnTheft) })
	}
	// The order matters: theft is reported even if the user could not be read; then a failed read;
	// then a user who may not go on.
	switch {
	case err != nil:
		return Granted{Ended: ended}, m.refuse(p.Token.Key(), OutcomeFailed, err)
	case !d.Outcome.Grants():
		return Granted{Ended: ended}, refusalOf(p.Token.Key(), d.Outcome, d.Session)
	}
	if outcome := subjectOutcome(subject, subjectErr, d.Session); outcome == OutcomeSubjectSuperseded {
		if d.Session, err = m.kept(ctx, d.Session, subject); err != nil {
			return Granted{Ended: ended}, err
		}
	} else if outcome != "" {
		return Granted{Ended: ended}, m.refuse(p.Token.Key(), outcome, subjectErr)
	}
	if !m.has(d.Session.Client) {
		return Granted{Ended: ended}, m.refuse(p.Token.Key(), OutcomeUnknownClient, nil)
	}
	if !confirmed {
		if ended, err = m.endReplaced(ctx, Key{d.Session.Subject, d.Ends}); err != nil {
			return Granted{Ended: ended}, m.refuse(p.Token.Key(), OutcomeFailed, err)
		}
	}
	var next auth.Secret
	switch d.Outcome {
	case OutcomeSame:
	case OutcomeExtended:
		next = r.RefreshToken
	default:
		if next, err = m.codec.Seal(ctx, d.Next); err != nil {
			return Granted{Ended: ended}, m.refuse(p.Token.Key(), OutcomeFailed, err)
		}
	}
	return Granted{
		Outcome: d.Outcome, Session: d.Session, Subject: subject, RefreshToken: next, StoreWithin: m.c.Rules.StoreWithin, Ended: ended,
	}, nil
}

// checkScope refuses a scope that the session was not granted. It runs before the write, because in
// the strict profile a rotation whose answer is an error logs the client out. A session's scope
// never changes.
func (m *Manager) checkScope(ctx context.Context, p Presented, scope []string) error {
	if len(scope) == 0 {
		return nil
	}
	d, err := m.foresee(ctx, p)
	if err != nil || !d.Outcome.Grants() {
		return err
	}
	for _, name := range scope {
		if !slices.Contains(d.Session.Scope, name) {
			return m.refuse(p.Token.Key(), OutcomeWiderScope, nil)
		}
	}
	return nil
}

func (m *Manager) has(id auth.ClientID) bool { return m.c.Clients == nil || m.c.Clients.Has(id) }

// foresee reads the session and returns what the rules alone would decide. A refresh that the rules
// refuse must be refused for their reason: a wide scope must not hide a theft.
func (m *Manager) foresee(ctx context.Context, p Presented) (Decision, error) {
	s, err := m.c.Store.Get(ctx, p.Token.Key())
	switch {
	case errors.Is(err, auth.ErrNotFound):
		return Decision{}, m.refuse(p.Token.Key(), OutcomeMissing, nil)
	case err != nil:
		return Decision{}, m.refuse(p.Token.Key(), OutcomeFailed, err)
	}
	return m.c.Rules.Decide(p, &s), nil
}

// decide does the writes of a refresh, and calls onTheft between them if the first one proves a
// copy.
func (m *Manager) decide(ctx context.Context, p Presented, onTheft func(*Refusal)) (d Decision, ended []Key, err error) {
	before, done, err := m.c.Store.Update(ctx, p.Token.Key(), m.c.Rules.Rotate(p))
	if err != nil {
		return Decision{}, nil, err
	}
	d = m.c.Rules.Decide(p, before)
	if done != d.Wrote {
		return Decision{}, nil, fmt.Errorf("the store reported written=%t, but the rules require written=%t", done, d.Wrote)
	}
	if d.Revoke != nil {
		// The theft is reported before the write. Afterwards it could be too late: if the reply is
		// lost or the process ends, the next request finds only an ended session.
		if onTheft != nil {
			onTheft(refusalOf(p.Token.Key(), d.Outcome, d.Session))
		}
		// If the revocation is not confirmed, the client must not be told that the session has
		// ended: it would drop the token, and a later refresh needs that token to prove the theft
		// again.
		//
		// The copy may be of the session that this one has replaced, too. That one ends first: once this
		// session has ended, nothing would end it any more.
		if ended, err = m.endReplaced(ctx, Key{p.Token.Subject, d.Ends}); err != nil {
			return Decision{}, ended, err
		}
		if _, err := m.revoke(ctx, p.Token.Key(), *d.Revoke); err != nil {
			return Decision{}, ended, fmt.Errorf("revoking a session: %w", err)
		}
	}
	return d, ended, nil
}

// beside reads the user while do runs.
func (m *Manager) beside(ctx context.Context, id auth.SubjectID, do func()) (subject auth.Subject, err error) {
	asked := make(chan any, 1)
	go func() {
		// A panic on this goroutine would end the process. On the caller's goroutine it ends one
		// request.
		defer func() { asked <- recover() }()
		subject, err = m.c.Subjects.Subject(ctx, id)
	}()
	do()
	if panicked := <-asked; panicked != nil {
		panic(panicked)
	}
	return subject, err
}

func (m *Manager) refuse(key Key, o Outcome, cause error) *Refusal {
	if o == OutcomeFailed && errors.Is(cause, ErrThrottled) {
		o = OutcomeThrottled
	}
	return &Refusal{Outcome: o, Session: key, cause: cause}
}

// refusalOf returns the refusal that the session s causes. The zero Session means that there is no
// item.
func refusalOf(key Key, o Outcome, s Session) *Refusal {
	r := &Refusal{Outcome: o, Session: key, Client: s.Client}
	if s.Revocation != nil {
		r.Revoked = s.Revocation.Reason
	}
	return r
}

// subjectOutcome returns why the user's session may not go on, or "".
func subjectOutcome(u auth.Subject, err error, s Session) Outcome {
	switch {
	case errors.Is(err, auth.ErrNotFound):
		return OutcomeSubjectMissing
	case err != nil:
		return OutcomeFailed
	case u.Disabled:
		return OutcomeSubjectDisabled
	case u.TokenVersion > s.TokenVersion:
		return OutcomeSubjectSuperseded
	}
	return ""
}

func (m *Manager) random(into ...[]byte) error {
	for _, b := range into {
		if _, err := io.ReadFull(m.c.Rand, b); err != nil {
			return fmt.Errorf("reading randomness: %w", err)
		}
	}
	return nil
}
