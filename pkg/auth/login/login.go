package login

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"runtime"
	"time"

	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/password"
	"github.com/edgeauth/edgeauth/pkg/auth/user"
)

// Users is what a login reads; a user.Store is one.
// A login whose slot is refused cancels the context of ByEmail and waits for it to return.
type Users interface {
	ByEmail(ctx context.Context, e user.Email) (auth.SubjectID, error)
	Get(ctx context.Context, id auth.SubjectID) (user.User, error)
}

// Hasher does one hash in each of its methods, and none where Verify returns an error; password.Hasher is one.
type Hasher interface {
	Verify(stored, password auth.Secret) (password.Result, error)
	Waste(password auth.Secret)
}

// Config is what an Authenticator works with.
type Config struct {
	Users    Users
	Hasher   Hasher
	Attempts Attempts
	// Now is the clock; nil is time.Now.
	Now func() time.Time
}

// Credentials are what a client sent.
type Credentials struct {
	Email    string
	Password auth.Secret
	// Address is the client's, as the gateway reports it and never as a header claims. The zero Addr counts by
	// account alone.
	Address netip.Addr
}

// Authenticator decides logins. It is safe for concurrent use.
type Authenticator struct {
	users    Users
	hasher   Hasher
	attempts Attempts
	now      func() time.Time
	hashing  chan struct{} // holds an entry for each hash under way
}

// hashWait is how long a login waits for its turn to hash.
const hashWait = 5 * time.Second

// New returns an Authenticator. Users, Hasher and Attempts must be given: a counter that was forgotten would
// allow guesses without end, so whoever wants none says Unlimited.
func New(c Config) (*Authenticator, error) {
	switch {
	case c.Users == nil:
		return nil, errors.New("login: Config.Users must hold the store of users")
	case c.Hasher == nil:
		return nil, errors.New("login: Config.Hasher must hold a password hasher")
	case c.Attempts == nil:
		return nil, errors.New("login: Config.Attempts must hold an attempt counter, or Unlimited")
	case c.Now == nil:
		c.Now = time.Now
	}
	return &Authenticator{
		users: c.Users, hasher: c.Hasher, attempts: c.Attempts, now: c.Now,
		// More at once than there are processors would be no faster, and each takes 19 MiB.
		hashing: make(chan struct{}, runtime.GOMAXPROCS(0)),
	}, nil
}

// Login returns the user whose credentials c are, from the very read whose hash was verified: a session remembers the
// TokenVersion of that read, so that one opened with a password which was changed meanwhile is over.
//
// A no is a *Refusal, which errors.Is knows as ErrThrottled or ErrInvalidCredentials. ErrPasswordChangeRequired
// comes with the user, because the permission to change is bound to the TokenVersion. Any other error says
// nothing about the credentials; it wraps the store's, auth.ErrUnavailable among them.
func (a *Authenticator) Login(ctx context.Context, c Credentials) (user.User, error) {
	slot, account, err := a.begin(ctx, c)
	if err != nil {
		return user.User{}, err
	}
	u, found, err := a.find(ctx, account)
	if err != nil {
		return user.User{}, err
	}
	if err := a.waitToHash(ctx); err != nil {
		return user.User{}, err
	}
	refusal := func() *Refusal {
		defer func() { <-a.hashing }()
		return a.judge(u, found, c.Password)
	}()
	// A right password of a disabled user settles as a wrong one does: a counter that fell back would confirm it.
	_ = a.attempts.Settle(ctx, slot, refusal == nil)
	switch {
	case refusal != nil:
		return user.User{}, refusal
	case u.MustChange:
		return u, ErrPasswordChangeRequired
	}
	return u, nil
}

// waitToHash waits for a processor, for a while: a flood of logins must take neither all memory nor everybody's time.
// Where it does not get one, nothing was decided.
func (a *Authenticator) waitToHash(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, hashWait)
	defer cancel()
	select {
	case a.hashing <- struct{}{}:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("too many logins at once: %w", auth.ErrUnavailable)
	}
}

// account is where an e-mail led.
type account struct {
	subject auth.SubjectID // a decoy where nobody has the e-mail
	known   bool
}

// begin takes the slot while it reads the pointer. Without a slot the read is cancelled, and begin still sees it
// end: nothing of a login goes on after its answer, when a function may be frozen and a store closed.
func (a *Authenticator) begin(ctx context.Context, c Credentials) (Slot, account, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()

	type pointer struct {
		account  account
		err      error
		panicked any
	}
	key := accountKey(c.Email)
	read := make(chan pointer)
	go func() {
		var p pointer
		// A panic here would end the process; on the caller's goroutine it ends one request.
		defer func() {
			p.panicked = recover()
			read <- p
		}()
		p.account, p.err = a.follow(ctx, key)
	}()

	slot, err := a.attempts.Take(ctx, Attempt{Account: key, Network: network(c.Address), At: a.now()})
	if err != nil {
		cancel()
		<-read
		return Slot{}, account{}, fmt.Errorf("take a slot: %w", err)
	}
	p := <-read
	if p.panicked != nil {
		panic(p.panicked)
	}
	return slot, p.account, p.err
}

// follow returns whom the pointer names, or a decoy.
func (a *Authenticator) follow(ctx context.Context, key user.Email) (account, error) {
	id, err := a.users.ByEmail(ctx, key)
	switch {
	case errors.Is(err, auth.ErrNotFound):
		return account{subject: decoySubject(key)}, nil
	case err != nil:
		return account{}, fmt.Errorf("look up the e-mail: %w", err)
	}
	return account{subject: id, known: true}, nil
}

// find reads the user. Whoever is found under a decoy is not the one who was asked for.
func (a *Authenticator) find(ctx context.Context, to account) (u user.User, found bool, err error) {
	u, err = a.users.Get(ctx, to.subject)
	switch {
	case errors.Is(err, auth.ErrNotFound):
		return user.User{}, false, nil
	case err != nil:
		return user.User{}, false, fmt.Errorf("read the user: %w", err)
	}
	return u, to.known, nil
}

// judge does exactly one hash, whatever it finds, and returns nil for a yes.
func (a *Authenticator) judge(u user.User, found bool, given auth.Secret) *Refusal {
	if !found {
		a.hasher.Waste(given)
		return &Refusal{Reason: ReasonUnknown}
	}
	if u.Password.Reveal() == "" {
		a.hasher.Waste(given)
		return &Refusal{Reason: ReasonNoPassword, Subject: u.ID}
	}
	result, err := a.hasher.Verify(u.Password, given)
	switch {
	case err != nil:
		// Told apart from a wrong password, a damaged hash would tell that the account exists.
		a.hasher.Waste(given)
		return &Refusal{Reason: ReasonUnreadable, Subject: u.ID, cause: err}
	case !result.Match:
		return &Refusal{Reason: ReasonWrongPassword, Subject: u.ID}
	case u.Disabled:
		return &Refusal{Reason: ReasonDisabled, Subject: u.ID}
	}
	return nil
}
