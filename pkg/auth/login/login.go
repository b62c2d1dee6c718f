package login

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"io"
	"net/netip"
	"runtime"
	"time"

	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/password"
	"github.com/edgeauth/edgeauth/pkg/auth/throttle"
	"github.com/edgeauth/edgeauth/pkg/auth/user"
)

// Users reads users. Every user.Store implements it. If an attempt is refused, Login cancels the
// context of ByEmail and waits until it returns.
type Users interface {
	ByEmail(ctx context.Context, email string) (auth.SubjectID, error)
	Get(ctx context.Context, id auth.SubjectID) (user.User, error)
	// Forms returns the forms of the hashes that users may have. Login reads them at most once a
	// minute, in parallel with ByEmail.
	Forms(ctx context.Context) (user.Forms, error)
}

// Hasher computes one hash in each call of its methods. Verify computes no hash if it returns an
// error. To measure a form, Login passes a form of [user.Forms] to Verify in place of a stored
// hash. password.Hasher implements Hasher. A Hasher may also have a method Form, as password.Hasher
// has.
type Hasher interface {
	Hash(password auth.Secret) (auth.Secret, error)
	Verify(stored, password auth.Secret) (password.Result, error)
	Waste(password auth.Secret)
}

// Config holds the settings of an [Authenticator]. Users, Hasher and Counters are required, and
// Keys too unless Counters is [throttle.Unlimited].
type Config struct {
	Users  Users
	Hasher Hasher
	// Counters stores the counters of attempts. [throttle.Unlimited] counts nothing: use it in
	// tests, or if attempts are limited by other means.
	Counters throttle.Counters
	// Limits limits the attempts; the zero Limits are [DefaultLimits].
	Limits Limits
	// Keys name the counters, seal known-device tokens and compute the pseudonyms in the audit log.
	// Without Keys every device is unknown and the pseudonyms are empty.
	Keys Keys
	// Passwords stores upgraded hashes, change-of-password tokens and changed passwords. Without
	// Passwords no password can be changed.
	Passwords *user.Directory
	// Steps are a deployment's steps before and after the password check. The zero Steps add no
	// step.
	Steps Steps
	// Floor is the minimum duration of a refused login, from its beginning. It can be zero: if the
	// users' hashes have several forms, a refused login takes at least as long as the slowest form
	// on this machine in any case, so that the time does not reveal the form of the stored hash. A
	// throttled login does not wait, because nothing was checked.
	Floor time.Duration
	// MaxHashes is the maximum number of parallel hashes; zero means one for each processor. A hash
	// needs the memory of its form, 19 MiB for Argon2id as password.Hasher makes it. The product
	// must fit into memory.
	MaxHashes int
	// Now is the clock; nil means time.Now.
	Now func() time.Time
	// Rand makes device ids and the secrets of change-of-password tokens. It must be
	// cryptographically secure; nil means crypto/rand.Reader.
	Rand io.Reader

	forTests
}

// forTests replaces parts in tests.
type forTests struct {
	attempts  attempts
	passwords passwords
}

// Credentials are the input of a login.
type Credentials struct {
	Email    string
	Password auth.Secret
	// Address is the client's address as the gateway reports it, never from a header. If it is the
	// zero Addr, only the account is counted.
	Address netip.Addr
	// Device is the client's known-device token, or empty. An invalid or expired token counts as
	// empty.
	Device auth.Secret
	// OneTimeCode is the request parameter one_time_code. It is passed to Steps, and Login does
	// not read it.
	OneTimeCode auth.Secret
}

// Result is the result of a successful login.
type Result struct {
	// User is the user whose hash was verified, from the same read. A session keeps the
	// TokenVersion of that read, so a session that was opened with a password that has changed
	// meanwhile is already over.
	user.User
	// AMR are the methods by which the user proved their identity (RFC 8176): pwd, or the methods
	// of another proof, and the methods of Steps.After.
	AMR []string
	// Reference is the pseudonym of the e-mail in the audit log; empty without Config.Keys.
	Reference string
	// NewDevice means that the caller should issue a known-device token ([Authenticator.Device]),
	// because the client sent no valid token for this user or a token that is past half of its
	// lifetime.
	NewDevice bool
	// KnownDevice means that the client sent a known-device token that is valid for this user.
	KnownDevice bool
	// Change is a token that permits to change the password ([Authenticator.RedeemChange]). It is
	// set only together with ErrPasswordChangeRequired, and only with Config.Passwords.
	Change auth.Secret
	// UpgradeErr is the reason, for the log, why an outdated hash could not be replaced. The login
	// is successful all the same.
	UpgradeErr error
}

// Authenticator checks logins. It is safe for concurrent use.
type Authenticator struct {
	c         Config
	attempts  attempts
	passwords passwords
	tokens    tokens
	forms     *forms
	hashing   chan struct{} // one entry for each running hash
}

// New returns an Authenticator. Counters is required, because a forgotten counter would allow
// guesses without limit. The error names the invalid field and what it must hold.
func New(c Config) (*Authenticator, error) {
	switch {
	case c.Users == nil:
		return nil, errors.New("login: Config.Users must hold the store of users")
	case c.Hasher == nil:
		return nil, errors.New("login: Config.Hasher must hold a password hasher")
	case c.Floor < 0:
		return nil, errors.New("login: Config.Floor must be a duration from 0")
	case c.MaxHashes < 0:
		return nil, errors.New("login: Config.MaxHashes must be a number from 1, or 0 for one hash for each processor")
	}
	counting, err := c.counting()
	if err != nil {
		return nil, err
	}
	if c.MaxHashes == 0 {
		c.MaxHashes = runtime.GOMAXPROCS(0)
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Rand == nil {
		c.Rand = rand.Reader
	}
	a := &Authenticator{
		c: c, attempts: counting, passwords: c.forTests.passwords, tokens: tokens{Keys: c.Keys, Now: c.Now, Rand: c.Rand},
		forms: newForms(c), hashing: make(chan struct{}, c.MaxHashes),
	}
	if a.passwords == nil && c.Passwords != nil {
		a.passwords = c.Passwords
	}
	return a, nil
}

// counting returns the implementation that counts the attempts of a login.
func (c Config) counting() (attempts, error) {
	switch {
	case c.forTests.attempts != nil:
		return c.forTests.attempts, nil
	case c.Counters == nil:
		return nil, errors.New("login: Config.Counters must hold the store of counters, or throttle.Unlimited")
	case c.Counters == throttle.Unlimited:
		return unlimited{}, nil
	case c.Keys == nil:
		return nil, errors.New("login: Config.Keys must hold the login keys, which name the counters")
	}
	if c.Limits == (Limits{}) {
		c.Limits = DefaultLimits()
	}
	return newLimiter(c.Counters, c.Keys, c.Limits)
}

// Login checks credentials and returns their user.
//
// A refused login returns a [*Refusal], which errors.Is reports as [ErrThrottled] or
// [ErrInvalidCredentials]. [ErrPasswordChangeRequired] comes with a Result that has the token for
// the change. A [*Denial] comes from Steps. Any other error says nothing about the credentials and
// wraps the error of the store, for example [auth.ErrUnavailable].
func (a *Authenticator) Login(ctx context.Context, c Credentials) (Result, error) {
	at := timing{started: time.Now()} // not Config.Now: an attacker measures with a real clock
	reference, err := a.Reference(ctx, c.Email)
	if err != nil {
		return Result{}, err
	}
	r, known, err := a.decide(ctx, c, reference, &at)
	var refusal *Refusal
	if errors.As(err, &refusal) {
		no := *refusal // the counter of a test may return the same Refusal to many logins
		no.Reference, no.KnownDevice = reference, known
		if no.Reason != ReasonThrottled {
			a.awaitFloor(ctx, at)
		}
		return Result{}, &no
	}
	return r, err
}

// named returns a copy of the Denial in err with the subject and the reference, for the audit log.
// It returns err unchanged if it is not a Denial. The copy is needed because a step may return the
// same Denial to many logins.
func named(err error, subject auth.SubjectID, reference string) error {
	var denial *Denial
	if !errors.As(err, &denial) {
		return err
	}
	no := *denial
	no.Subject, no.Reference = cmp.Or(subject, no.Subject), reference
	return &no
}

// Device returns a new known-device token for a user who has just logged in. It requires
// Config.Keys.
func (a *Authenticator) Device(ctx context.Context, u user.User) (auth.Secret, error) {
	if a.c.Keys == nil {
		return auth.Secret{}, errors.New("login: without Config.Keys there are no known-device tokens")
	}
	return a.tokens.Device(ctx, u)
}

// Reference returns the pseudonym of an e-mail address in the audit log. All kinds of logins use
// the same pseudonym. It is empty without Config.Keys.
func (a *Authenticator) Reference(ctx context.Context, email string) (string, error) {
	if a.c.Keys == nil {
		return "", nil
	}
	return pseudonym(ctx, a.c.Keys, email)
}

// timing records when the parts of a login began.
type timing struct {
	started  time.Time
	hashed   time.Time     // when the hash of the password began
	measured time.Duration // how long forms of hashes were measured in between
}

// awaitFloor waits until Floor has passed since the start and the slowest form of the users' hashes
// could have been computed, or until ctx ends.
func (a *Authenticator) awaitFloor(ctx context.Context, at timing) {
	until := at.started.Add(at.measured + a.c.Floor)
	if slowest := at.hashed.Add(a.forms.floor()); slowest.After(until) {
		until = slowest
	}
	select {
	case <-time.After(time.Until(until)):
	case <-ctx.Done():
	}
}
