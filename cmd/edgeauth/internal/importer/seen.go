package importer

import (
	"hash/maphash"

	"github.com/edgeauth/edgeauth/pkg/auth/user"
)

// seen remembers subjects and e-mails by hashes of 64 bits. Of a hundred million, two different ones share a hash
// with a probability of 1 in 3,700; a dry run would then report one user too many.
type seen struct {
	seed             maphash.Seed
	subjects, emails map[uint64]struct{}
}

func newSeen() *seen {
	return &seen{maphash.MakeSeed(), map[uint64]struct{}{}, map[uint64]struct{}{}}
}

// add says whether a user stands in the file already. Unusable e-mails are the Directory's to refuse.
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
