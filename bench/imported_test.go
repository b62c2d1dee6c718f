//go:build unix

package bench

import (
	"net/http"
	"testing"
	"time"

	"github.com/google/uuid"
	"golang.org/x/crypto/bcrypt"

	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/password"
	"github.com/edgeauth/edgeauth/pkg/auth/user"
)

// BenchmarkImportedLogin compares refused logins of accounts with an imported hash, with a new hash,
// and of no account. An observer must not tell them apart if the form of the imported hash is
// recorded. The rank test must tell them apart if it is not.
func BenchmarkImportedLogin(b *testing.B) {
	b.Run("recorded", func(b *testing.B) { measureImported(b, true) })
	b.Run("unrecorded", func(b *testing.B) { measureImported(b, false) })
}

func measureImported(b *testing.B, recorded bool) {
	raw, err := bcrypt.GenerateFromPassword([]byte(right), 11)
	if err != nil {
		b.Fatal(err)
	}
	hash, stores := auth.NewSecret(string(raw)), boltStores(b)
	if recorded {
		form, err := password.FormOf(hash)
		if err != nil {
			b.Fatal(err)
		}
		d := user.Directory{Store: stores.Users}
		if _, err := d.RecordForms(b.Context(), []string{form}, time.Time{}); err != nil {
			b.Fatal(err)
		}
	}
	d := newDoor(b, stores)
	now := time.Now().UTC().Truncate(time.Millisecond)
	for from := 0; from < accounts; from += atOnce {
		err := parallel(func(i int) error {
			u := user.User{
				ID: auth.SubjectID(uuid.NewString()), Email: address("legacy", from+i), Password: hash,
				Revision: 1, CreatedAt: now, UpdatedAt: now,
			}
			return stores.Users.Create(b.Context(), u, string(u.ID))
		})()
		if err != nil {
			b.Fatal(err)
		}
	}
	logins := []contestant{
		{"imported", d.asks("legacy", "wrong horse", http.StatusUnauthorized)},
		{"new", d.asks("forgot", "wrong horse", http.StatusUnauthorized)},
		{"unknown", d.asks("absent", right, http.StatusUnauthorized)},
	}
	t := shuffled(b, 1, logins)
	b.ReportMetric(0, "ns/op") // the sum over all contestants is meaningless
	for _, c := range logins {
		b.ReportMetric(float64(median(t[c.name].took))/1e6, c.name+"-ms")
	}
	for _, pair := range [][2]string{{"imported", "unknown"}, {"imported", "new"}, {"new", "unknown"}} {
		area, p := rankTest(t[pair[0]].took, t[pair[1]].took)
		b.ReportMetric(area, pair[0]+"/"+pair[1]+"-AUC")
		b.ReportMetric(p, pair[0]+"/"+pair[1]+"-p")
	}
}
