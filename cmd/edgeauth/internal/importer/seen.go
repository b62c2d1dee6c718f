package importer

import (
	"hash/maphash"

	"github.com/edgeauth/edgeauth/pkg/auth/user"
)

// seen remembers subjects and e-mails by 64-bit hashes. Among a hundred million, two different ones
// have the same hash with a probability of 1 in 3,700. A dry run would then report one user too
// many.
type seen struct {
	seed             maphash.Seed
	subjects, emails map[uint64]struct{}
}

func newSeen() *seen {
	return &seen{maphash.MakeSeed(), map[uint64]struct{}{}, map[uint64]struct{}{}}
}

// add returns an error if the user's subject or e-mail occurred before. It ignores an invalid
// e-mail, which the Directory refuses.
func (s *seen) add(u user.User) error {
	email, err := user.NormalizeEmail(u.Email)
	switch {
	case u.ID != "" && !s.first(s.subjects, string(u.ID)):
		return errTwiceSubject
	case err == nil && !s.first(s.emails, string(email)):
		return errTwiceEmail
	}
	return nil
}

func (s *seen) first(in map[uint64]struct{}, text string) bool {
	sum := maphash.String(s.seed, text)
	_, there := in[sum]
	in[sum] = struct{}{}
	return !there
}
