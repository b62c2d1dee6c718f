package login

import (
	"context"
	"crypto/rand"
	"errors"
	"io"
	"net/netip"
	"runtime"
	"time"

	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/password"
	"github.com/edgeauth/edgeauth/pkg/auth/user"
)

// Users is what a login reads; a user.Store is one.
// A login whose slot is refused cancels the context of ByPointer and waits for it to return.
type Users interface {
	ByPointer(ctx context.Context, p user.Pointer) (auth.SubjectID, error)
	Get(ctx context.Context, id auth.SubjectID) (user.User, error)
}

// Hasher does one hash in each of its methods, and none where Verify returns an error; password.Hasher is one.
type Hasher interface {
	Hash(password auth.Secret) (auth.Secret, error)
	Verify(stored, password auth.Secret) (password.Result, error)
	Waste(password auth.Secret)
}

// Config is what an Authenticator works with.
type Config struct {
	Users    Users
	Hasher   Hasher
	Attempts Attempts
	// Keys are what known-device tokens and the audit log's references are made with. Without them a login works with none
	// of these: every device is unknown.
	Keys Keys
	// Passwords stores hashes anew that are of an old form, change-of-password tokens and changed passwords. Without it all
	// passwords stay as they are.
	Passwords Passwords
	// Steps are what a deployment adds before and after the proof of a password; the zero Steps add nothing.
	Steps Steps
	// Floor is how long after its start a login is refused at the earliest, so that the clock does not tell of which form
	// a hash is: as long as the slowest form takes. Zero is for where all hashes are of one form. A throttled login does
	// not wait: nothing was looked at.
	Floor time.Duration
	// MaxHashes is how many hashes run at once; zero is one for each processor, and more would be no faster. Each takes
	// what its form takes, 19 MiB for Argon2id as password.Hasher makes it; the product must fit the memory.
	MaxHashes int
	// Now is the clock; nil is time.Now.
	Now func() time.Time
	// Rand makes device ids and the secrets of change-of-password tokens. It must be cryptographic; nil is crypto/rand.Reader.
	Rand io.Reader
}

// Credentials are what a client sent.
type Credentials struct {
	Email    string
	Password auth.Secret
	// Address is the client's, as the gateway reports it and never as a header claims. The zero Addr counts by
	// account alone.
	Address netip.Addr
	// Device is the known-device token that the client kept; may be empty. One that is no token of ours, or too old,
	// counts as none.
	Device auth.Secret
	// OneTimeCode is for Steps alone.
	OneTimeCode auth.Secret
}

// Result is a login's yes.
type Result struct {
	// User is from the very read whose hash was verified: a session remembers the TokenVersion of that read, so that one
	// opened with a password which was changed meanwhile is over.
	user.User
	// Reference is what the audit log calls the e-mail; empty without Config.Keys.
	Reference string
	// NewDevice says that the client should be given a known-device token (Authenticator.Device): it brought none that is
	// good for this user, or one that is halfway to its end.
	NewDevice bool
	// Change permits to change the password (Authenticator.RedeemChange). It comes with ErrPasswordChangeRequired alone, and
	// is empty without Config.Passwords.
	Change auth.Secret
	// UpgradeErr is why an old hash stayed as it is, for the log. The login is good all the same.
	UpgradeErr error
}

// Authenticator decides logins. It is safe for concurrent use.
type Authenticator struct {
	c       Config
	tokens  Tokens
	hashing chan struct{} // holds an entry for each hash under way
}

// New returns an Authenticator. Users, Hasher and Attempts must be given: a counter that was forgotten would
// allow guesses without end, so a deployment without a counter says Unlimited.
func New(c Config) (*Authenticator, error) {
	switch {
	case c.Users == nil:
		return nil, errors.New("login: Config.Users must hold the store of users")
	case c.Hasher == nil:
		return nil, errors.New("login: Config.Hasher must hold a password hasher")
	case c.Attempts == nil:
		return nil, errors.New("login: Config.Attempts must hold an attempt counter, or Unlimited")
	case c.Floor < 0:
		return nil, errors.New("login: Config.Floor must be a duration from 0")
	case c.MaxHashes < 0:
		return nil, errors.New("login: Config.MaxHashes must be a number from 1, or 0 for one hash for each processor")
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
	return &Authenticator{
		c: c, tokens: Tokens{Keys: c.Keys, Now: c.Now, Rand: c.Rand}, hashing: make(chan struct{}, c.MaxHashes),
	}, nil
}

// Login returns the user whose credentials c are.
//
// A no is a *Refusal, which errors.Is knows as ErrThrottled or ErrInvalidCredentials. ErrPasswordChangeRequired
// comes with the Result, which holds the token to change it with. Any other error says nothing about the
// credentials; it wraps the store's, auth.ErrUnavailable among them.
func (a *Authenticator) Login(ctx context.Context, c Credentials) (Result, error) {
	started := time.Now() // not Config.Now: a floor is waited for by the clock that others measure with
	reference, err := a.reference(ctx, c.Email)
	if err != nil {
		return Result{}, err
	}
	if err := a.c.Steps.before(ctx, c); err != nil {
		return Result{}, err
	}
	r, err := a.decide(ctx, c, reference)
	var refusal *Refusal
	if errors.As(err, &refusal) {
		no := *refusal // an Attempts may answer many logins with the same one
		no.Reference = reference
		if no.Reason != ReasonThrottled {
			a.awaitFloor(ctx, started)
		}
		return Result{}, &no
	}
	if err != nil {
		return Result{}, err
	}
	if r.MustChange {
		return r, ErrPasswordChangeRequired
	}
	return r, nil
}

// Device returns a known-device token for a user who has just logged in.
func (a *Authenticator) Device(ctx context.Context, u user.User) (auth.Secret, error) {
	if a.c.Keys == nil {
		return auth.Secret{}, errors.New("login: without Config.Keys there are no known-device tokens")
	}
	return a.tokens.Device(ctx, u)
}

func (a *Authenticator) reference(ctx context.Context, email string) (string, error) {
	if a.c.Keys == nil {
		return "", nil
	}
	return Reference(ctx, a.c.Keys, email)
}

// awaitFloor waits until the floor, or until the context ends.
func (a *Authenticator) awaitFloor(ctx context.Context, started time.Time) {
	select {
	case <-time.After(a.c.Floor - time.Since(started)):
	case <-ctx.Done():
	}
}
