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
	// Revocations is the list of Store. With it, a repeated end of a session writes the entry
	// again. With nil, a repeated end writes no entry.
	Revocations Revocations
	Rules       Rules            // the zero Rules are DefaultRules
	Now         func() time.Time // the clock; nil means time.Now
	Rand        io.Reader        // cryptographic, and must not fail; nil means crypto/rand.Reader
	// Clients tells which clients are configured. Sessions of other clients are refused with
	// [ErrUnknownClient]. nil accepts every client.
	Clients interface{ Has(auth.ClientID) bool }
	// ReauthOn are the clients that ask for a login because of a signal; see [auth.Client]. nil
	// means that no client asks.
	ReauthOn map[auth.Signal][]auth.ClientID
}

// Manager opens, refreshes and ends sessions. It is safe for concurrent use.
type Manager struct {
	c     Config
	codec Codec
}

// NewManager returns a Manager. The error names the field of c that is missing or wrong.
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
		c.Rules.SlideInterval <= 0 || c.Rules.StoreWithin < time.Second {
		return nil, errors.New("session: Config.Rules are invalid (want 0 < GracePeriod < MinimumInterval, 0 < LateUse, 0 < Handover, 0 < SlideInterval and a StoreWithin of at least a second, as in DefaultRules)")
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
	AuthTime time.Time // when the user proved the identity
	AMR      []string  // by which methods, for example pwd (RFC 8176); may be empty
	// Delivery says how the session's tokens are sent. Remember means that their cookies outlive
	// the browser session. StepUp ignores both and uses the values of the replaced session.
	Delivery auth.Delivery
	Remember bool
	// UserAgent and Address are for the user's list of sessions. Open leaves out the characters
	// that a label cannot contain.
	UserAgent, Address string
	// Visit is what the session remembers of the login, to find the signals of later requests.
	Visit Visit
}

// Granted is the result of [Manager.Open] and [Manager.Refresh]: a session and its next refresh
// token.
type Granted struct {
	Outcome Outcome
	Session Session
	Subject auth.Subject
	// Signals are the signals of a refresh. A refresh with signals is granted, unless its client
	// asks for a login.
	Signals []auth.Signal
	// RefreshToken is empty if Outcome is [OutcomeSame]: the client keeps its token (RFC 6749,
	// section 6). A late copy of that token could replace a newer branch in the client's store. Two
	// branches could then alternate in the store until both were presented for one generation,
	// which looks like theft.
	RefreshToken auth.Secret
	// SessionToken is the token of a session that Open has opened for auth.DeliverySession. For
	// other deliveries it is empty.
	SessionToken auth.Secret
	// StoreWithin is how long after sending its request the client may store RefreshToken; see
	// [Rules].
	StoreWithin time.Duration
	// Ended are the sessions that this session has replaced and that the call has ended, for the
	// audit log. Ended is also set if the call fails afterwards.
	Ended []Key
	// Evicted are the sessions that Open has ended because of the client's MaxSessions, for the
	// audit log. An entry without the outcome OutcomeEnded still lists the sessions that it had
	// replaced.
	Evicted []Ended
	// EvictErr is why more sessions than the client's MaxSessions may be left, or nil. It is a
	// [*Refusal]. The new session is open in any case, and the next login ends the sessions that
	// are left.
	EvictErr error
}

// Open opens a session by one write. The client's profile must be one of package auth, its idle
// timeout at least [Rules.MinimumIdleTimeout], its absolute timeout above zero, and its MaxSessions
// not below zero. If Config.Clients is set, it must have the client. AuthTime must not be zero.
// Otherwise Open writes nothing, and the error names what is wrong. Errors wrap
// [auth.ErrUnavailable] if the store or the keys did not answer.
//
// If the client has MaxSessions, Open then reads the user's sessions by one query, and ends the
// sessions over the limit. The caller writes an audit line for each of Granted.Evicted and for
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

// open opens a session that replaces another session. The zero Session means that it replaces no
// session.
func (m *Manager) open(ctx context.Context, o Opening, replaced Session) (Granted, error) {
	now := millis(m.c.Now())
	g := Granted{Subject: o.Subject}
	kind, key, err := m.mint(ctx, o, now, &g)
	if err != nil {
		return Granted{}, err
	}
	g.Session = Session{
		Key: key, Kind: kind, Profile: o.Client.Profile, Client: o.Client.ID, Scope: o.Client.Scope,
		TokenVersion: o.Subject.TokenVersion,
		IdleTimeout:  o.Client.IdleTimeout, IdleEnd: now.Add(o.Client.IdleTimeout), AbsoluteEnd: now.Add(lifetime(kind, o.Client)),
		CreatedAt: now, LastSeen: now, AuthTime: millis(o.AuthTime), AMR: o.AMR, Replaces: replaced.ID,
		Delivery: o.Delivery, Remember: o.Remember || !o.Delivery.ByCookie(),
		UserAgent: shown(o.UserAgent), Address: shown(o.Address), Label: replaced.Label,
	}
	// The tags depend on the user alone, so a step-up keeps what the replaced session remembers.
	g.Session.Trace = replaced.Trace
	g.Session.Trace.keep(factsOf(key.Subject, o.Visit))
	if err := m.c.Store.Create(ctx, g.Session); err != nil {
		return Granted{}, fmt.Errorf("creating a session: %w", err)
	}
	return g, nil
}

// mint sets the token of a new session in g, and returns the kind and the key of the session. The
// secret of each session is new: a token from a request is never reused.
func (m *Manager) mint(ctx context.Context, o Opening, now time.Time, g *Granted) (kind Kind, key Key, err error) {
	var random [secretBytes]byte
	token := Token{Profile: o.Client.Profile, Subject: o.Subject.ID, IssuedAt: now.Truncate(time.Second)}
	if err := m.random(random[:], token.Branch[:]); err != nil {
		return 0, Key{}, err
	}
	token.Secret = auth.NewSecret(string(random[:]))
	if o.Delivery == auth.DeliverySession {
		g.SessionToken, err = OpaqueToken{token.Subject, token.Secret}.Text()
		return OpaqueKind, token.Key(), err
	}
	g.RefreshToken, err = m.codec.Seal(ctx, token)
	g.StoreWithin = m.c.Rules.StoreWithin
	return RefreshKind, token.Key(), err
}

// defaultOpaqueTimeout is the longest life of an opaque session whose client has no OpaqueTimeout.
// It is short, because the theft of an opaque token is not noticed before the session ends.
const defaultOpaqueTimeout = 7 * 24 * time.Hour

// lifetime returns the time from the login to the absolute end.
func lifetime(k Kind, c auth.Client) time.Duration {
	switch {
	case k == RefreshKind:
		return c.AbsoluteTimeout
	case c.OpaqueTimeout != 0:
		return c.OpaqueTimeout
	}
	return min(c.AbsoluteTimeout, defaultOpaqueTimeout)
}

// check returns an error for an opening whose session could not be refreshed or could get no access
// token.
func (m *Manager) check(o Opening) error {
	if m.c.Clients != nil && !m.c.Clients.Has(o.Client.ID) {
		// This is not ErrUnknownClient, which refuses a client: here the program has made the
		// mistake.
		return fmt.Errorf("session: client %q is not configured (want one of Config.Clients)", o.Client.ID)
	}
	if o.AuthTime.IsZero() {
		return errors.New("session: Opening.AuthTime is zero (want the time at which the user proved their identity)")
	}
	if i := slices.IndexFunc(o.AMR, func(word string) bool { return word == "" || strings.ContainsFunc(word, notInMethod) }); i >= 0 {
		return fmt.Errorf("session: Opening.AMR has the method %q (want printable ASCII without spaces)", o.AMR[i])
	}
	if !o.Delivery.Valid() {
		return fmt.Errorf("session: Opening.Delivery is %v (want one of package auth)", o.Delivery)
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
	if o.Client.OpaqueTimeout < 0 {
		return fmt.Errorf("session: OpaqueTimeout of client %q is %v (want 0 or a positive duration)", o.Client.ID, o.Client.OpaqueTimeout)
	}
	if o.Client.MaxSessions < 0 {
		return fmt.Errorf("session: MaxSessions of client %q is %d (want 0 for no limit, or a positive number)", o.Client.ID, o.Client.MaxSessions)
	}
	return nil
}

// notInMethod reports whether a method of authentication cannot contain r: the methods of a session
// are stored and passed on as one text, separated by spaces.
func notInMethod(r rune) bool { return r <= ' ' || r > '~' }

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

// refusalOf returns the refusal for the session s. The zero Session means that there is no item.
func refusalOf(key Key, o Outcome, s Session) *Refusal {
	r := &Refusal{Outcome: o, Session: key, Client: s.Client}
	if s.Revocation != nil {
		r.Revoked = s.Revocation.Reason
	}
	return r
}

// subjectOutcome returns why the user's session may not continue, or "".
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
