package mail

import (
	"context"
	"time"

	"github.com/edgeauth/edgeauth/pkg/auth/throttle"
	"github.com/edgeauth/edgeauth/pkg/auth/user"
)

// suppressedFor is how long no mail is sent to an address after a bounce or a complaint.
const suppressedFor = 30 * 24 * time.Hour

const suppression = "mail suppressed"

// Suppressions remembers the addresses to which no mail is sent, by a keyed hash: a reader of only
// the table or only the key does not learn them. A rotation of the login keys forgets them, and the
// next bounce suppresses an address again. It is safe for concurrent use if its fields are.
type Suppressions struct {
	Counters throttle.Counters
	Keys     throttle.Keys    // the login keys
	Now      func() time.Time // nil means time.Now
}

// Suppress suppresses an address for 30 days. If the address is suppressed already, its end does
// not change. The error wraps [user.ErrEmail] if the text is not an address. Any other error comes
// from the store or from the keys.
func (s *Suppressions) Suppress(ctx context.Context, address string) error {
	key, err := user.NormalizeEmail(address)
	if err != nil {
		return err
	}
	now := s.now()
	_, err = s.once().Spend(ctx, suppression, string(key), now, now.Add(suppressedFor))
	return err
}

// Lift ends the suppression of an address, and reports whether the address was suppressed. The next
// bounce or complaint suppresses it again. The errors of Lift are those of Suppress.
func (s *Suppressions) Lift(ctx context.Context, address string) (was bool, err error) {
	key, err := user.NormalizeEmail(address)
	if err != nil {
		return false, err
	}
	return s.once().Forget(ctx, suppression, string(key), s.now())
}

// Suppressed reports whether an address is suppressed. Its errors are those of Suppress.
func (s *Suppressions) Suppressed(ctx context.Context, address string) (bool, error) {
	key, err := user.NormalizeEmail(address)
	if err != nil {
		return false, err
	}
	return s.once().Spent(ctx, suppression, string(key), s.now())
}

func (s *Suppressions) once() throttle.Once {
	return throttle.Once{Counters: s.Counters, Keys: s.Keys}
}

func (s *Suppressions) now() time.Time {
	if s.Now == nil {
		return time.Now()
	}
	return s.Now()
}
