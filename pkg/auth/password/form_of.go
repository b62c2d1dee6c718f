package password

import (
	"cmp"
	"slices"
	"strings"

	"github.com/edgeauth/edgeauth/pkg/auth"
)

// blankSalt replaces every salt in a dummy hash. It is valid as a text and in each spelling of
// base64, padded or not.
var blankSalt = strings.Repeat("A", 24)

// FormOf returns the form of a stored hash together with its parameters, for example bcrypt of cost
// 12. The form is spelled as a dummy hash: a hash of the same form and parameters, with blank salt,
// keys and digest. It reveals nothing about the stored hash, and [Hasher.Verify] of the dummy hash
// costs as much as of the stored hash. The error wraps [ErrMalformed] and does not repeat the hash.
//
// FormOf accepts the same hashes as [Hasher.Wrap], including forms that are never stored unwrapped.
// For a dummy hash of a weak form, Wrap returns the form in which it is stored.
func FormOf(stored auth.Secret) (string, error) {
	v, err := importable(stored)
	if err != nil {
		return "", err
	}
	return v.dummy(), nil
}

// work is the work of one hash.
type work struct {
	algorithm string
	// nanos is the estimated time on one processor. Within an algorithm, more work takes longer on
	// every machine. Between two algorithms the estimate may be wrong by a small factor.
	nanos uint64
}

// The estimated time for one KiB of memory in one pass of Argon2id, for one KiB of memory of
// scrypt, and for one round of bcrypt's key setup.
const (
	argon2Nanos = 900
	scryptNanos = 2_000
	bcryptNanos = 50_000
)

// estimateFactor is how much the estimates of two algorithms may differ from their real ratio.
const estimateFactor = 4

// Slowest returns those of forms, as [FormOf] returns them, that may be the slowest on some
// machine: at most one of each algorithm, the likeliest first. It ignores an unknown form, which a
// later version may have written: Verify refuses a hash of this form at once.
func Slowest(forms []string) []string {
	type candidate struct {
		form string
		work
	}
	slowest := map[string]candidate{}
	for _, f := range forms {
		v, err := importable(auth.NewSecret(f))
		if err != nil {
			continue
		}
		c := candidate{v.dummy(), v.work()}
		if there, ok := slowest[c.algorithm]; !ok || c.nanos > there.nanos || c.nanos == there.nanos && c.form < there.form {
			slowest[c.algorithm] = c
		}
	}
	var list []candidate
	most := uint64(0)
	for _, c := range slowest {
		list = append(list, c)
		most = max(most, c.nanos)
	}
	slices.SortFunc(list, func(a, b candidate) int {
		return cmp.Or(cmp.Compare(b.nanos, a.nanos), strings.Compare(a.form, b.form))
	})
	var result []string
	for _, c := range list {
		if c.nanos*estimateFactor >= most {
			result = append(result, c.form)
		}
	}
	return result
}
