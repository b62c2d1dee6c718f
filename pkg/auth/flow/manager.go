package flow

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/login"
	"github.com/edgeauth/edgeauth/pkg/auth/throttle"
	"github.com/edgeauth/edgeauth/pkg/auth/user"
)

// Config holds the settings of a [Manager]. All but SignUp, Limits, Now and Rand are required.
type Config struct {
	Store Store
	// Users stores the effect of a flow: a new account, a verified address or a new password.
	Users *user.Directory
	// Gate lets users in, by the same rules as a login with a password. It must have Config.Keys
	// and, for sign-up and reset, Config.Passwords.
	Gate *login.Authenticator
	// Counters counts mails and requests.
	Counters throttle.Counters
	// Keys are the login keys: they seal auth_sessions and name the counters.
	Keys login.Keys
	// SignUp says who may sign up. The zero SignUp admits no address.
	SignUp SignUp
	// Limits limits mails and requests; the zero Limits are [DefaultLimits].
	Limits Limits
	// Now is the clock; nil means time.Now.
	Now func() time.Time
	// Rand makes ids and codes. It must be cryptographically secure; nil means crypto/rand.Reader.
	Rand io.Reader
}

// Manager begins flows and verifies their codes. It is safe for concurrent use.
type Manager struct {
	Config
	limiter *throttle.Limiter
	digits  int // of a code; fewer in a test that tries all of them
}

// New returns a Manager. The error names the field that is missing or out of range.
func New(c Config) (*Manager, error) {
	switch {
	case c.Store == nil:
		return nil, errors.New("flow: Config.Store must hold the store of flows")
	case c.Users == nil:
		return nil, errors.New("flow: Config.Users must hold the directory of users")
	case c.Gate == nil:
		return nil, errors.New("flow: Config.Gate must hold the authenticator of logins")
	}
	if c.Limits == (Limits{}) {
		c.Limits = DefaultLimits()
	}
	if err := c.Limits.Validate(); err != nil {
		return nil, err
	}
	if err := c.SignUp.Validate(); err != nil {
		return nil, fmt.Errorf("flow: Config.SignUp: %w", err)
	}
	limiter, err := throttle.New(c.Counters, c.Keys)
	if err != nil {
		return nil, fmt.Errorf("flow: %w", err)
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Rand == nil {
		c.Rand = rand.Reader
	}
	return &Manager{Config: c, limiter: limiter, digits: codeDigits}, nil
}

// mark returns a random mark for one write.
func (m *Manager) mark() (mark throttle.Mark, err error) {
	if _, err := io.ReadFull(m.Rand, mark[:]); err != nil {
		return mark, fmt.Errorf("reading random bytes: %w", err)
	}
	return mark, nil
}

// read returns the user with this subject. found is false if the user does not exist.
func (m *Manager) read(ctx context.Context, id auth.SubjectID) (u user.User, found bool, err error) {
	u, err = m.Users.Store.Get(ctx, id)
	switch {
	case errors.Is(err, auth.ErrNotFound):
		return user.User{}, false, nil
	case err != nil:
		return user.User{}, false, fmt.Errorf("read the user: %w", err)
	}
	return u, true, nil
}
