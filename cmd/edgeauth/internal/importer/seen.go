package importer

import (
	"hash/maphash"

	"github.com/edgeauth/edgeauth/pkg/auth/user"
)

// seen remembers subjects and pointers, including e-mails, by 64-bit hashes. Among a hundred
// million values, two have the same hash with a probability of 1 in 3,700. A dry run would then
// report one duplicate too many.
type seen struct {
	seed               maphash.Seed
	subjects, pointers map[uint64]struct{}
}

func newSeen() *seen {
	return &seen{maphash.MakeSeed(), map[uint64]struct{}{}, map[uint64]struct{}{}}
}

// add returns an error if the user's subject or a pointer occurred before. It ignores invalid
// pointers, which the Directory refuses.
func (s *seen) add(u user.User) error {
	if u.ID != "" && !s.first(s.subjects, string(u.ID)) {
		return errTwiceSubject
	}
	moves, err := user.MovePointers(user.User{}, u, nil)
	if err != nil {
		return nil
	}
	for _, p := range moves.Add {
		if s.first(s.pointers, p.Key()) {
			continue
		}
		if p.Kind == user.KindEmail {
			return errTwiceEmail
		}
		return errTwicePointer
	}
	return nil
}

func (s *seen) first(in map[uint64]struct{}, text string) bool {
	sum := maphash.String(s.seed, text)
	_, there := in[sum]
	in[sum] = struct{}{}
	return !there
}
