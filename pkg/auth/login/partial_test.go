package login_test

import (
	"errors"
	"strings"
	"testing"

	"golang.org/x/crypto/bcrypt"

	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/login"
	"github.com/edgeauth/edgeauth/pkg/auth/password"
)

// imported returns ada with a bcrypt hash of a password, of which bcrypt uses 72 bytes.
func imported(t *testing.T, stored string) *changing {
	t.Helper()
	hash, err := bcrypt.GenerateFromPassword([]byte(stored[:min(len(stored), 72)]), bcrypt.MinCost)
	if err != nil {
		t.Fatal(err)
	}
	hasher := password.Hasher{Cost: password.Cost{MemoryKiB: 7168, Passes: 5, Lanes: 1}}
	c := newChanging(t, func(c *login.Config) { c.Hasher = hasher })
	c.Directory.Hasher = hasher
	u := c.ada
	u.Password = auth.NewSecret(string(hash))
	if err := c.Directory.Store.Update(t.Context(), u); err != nil {
		t.Fatal(err)
	}
	return c
}

// A partially matching password logs in, as it did before the import. It must not replace the
// stored hash, because the correct password would be refused from then on.
func TestPartialMatchDoesNotUpgrade(t *testing.T) {
	long := strings.Repeat("0123456789", 8)
	for _, row := range []struct {
		name, stored, typed string
		typedUpgrades       bool
		storedUpgrades      bool // the login with the correct password afterwards
	}{
		{"a wrong tail", long, long[:72] + "a wrong tail", false, false},
		{"the prefix alone", long, long[:72], false, false},
		{"the right one of 80 bytes", long, long, false, false},
		{"the right one of 72 bytes", long[:72], long[:72], false, false},
		{"the right one of 71 bytes", long[:71], long[:71], true, true},
		{"twice, with a NUL between", "correct horse", "correct horse\x00correct horse", false, true},
		{"a NUL and a tail at the 72nd byte", long[:71], long[:71] + "\x00tail", false, true},
		{"the right one, with a NUL", "correct\x00horse", "correct\x00horse", false, false},
		{"the right one, short", "correct horse", "correct horse", true, true},
	} {
		t.Run(row.name, func(t *testing.T) {
			c := imported(t, row.stored)
			before := c.stored(t)
			for _, try := range []struct {
				typed    string
				upgrades bool
			}{{row.typed, row.typedUpgrades}, {row.stored, row.storedUpgrades}} {
				if r, err := c.Login(t.Context(), credentials("ada@example.com", try.typed)); err != nil || r.UpgradeErr != nil {
					t.Fatalf("%q: %v, %v", try.typed, err, r.UpgradeErr)
				}
				after := c.stored(t)
				if try.upgrades != strings.HasPrefix(after, "$argon2id$") || !try.upgrades && after != before {
					t.Errorf("after %q it is stored as %s", try.typed, after)
				}
			}
		})
	}
}

// A new password is refused as unchanged only if it certainly equals the current password.
func TestSamePasswordOfAPartialMatch(t *testing.T) {
	long := strings.Repeat("0123456789", 8)
	for _, row := range []struct {
		name, stored, next string
		want               error
	}{
		{"another tail", long, long[:72] + "another tail", nil},
		{"the prefix alone", long, long[:72], nil},
		{"all 80 bytes", long, long, nil}, // bcrypt ignores the last bytes
		{"71 bytes", long[:71], long[:71], login.ErrSamePassword},
		{"twice, with a NUL between", "correct horse", "correct horse\x00correct horse", nil},
		{"short", "correct horse", "correct horse", login.ErrSamePassword},
	} {
		for _, mustChange := range []bool{false, true} {
			t.Run(row.name, func(t *testing.T) {
				c := imported(t, row.stored)
				given, next := credentials("ada@example.com", row.stored), auth.NewSecret(row.next)
				var err error
				if mustChange {
					_, err = c.RedeemChange(t.Context(), c.demand(t, given), next)
				} else {
					_, err = c.ChangePassword(t.Context(), c.ada.ID, given, next)
				}
				if !errors.Is(err, row.want) {
					t.Fatalf("must change %t: %v", mustChange, err)
				}
				if row.want != nil {
					return
				}
				if _, err := c.Login(t.Context(), credentials("ada@example.com", row.next)); err != nil {
					t.Errorf("the new password: %v", err)
				}
				if row.next != row.stored {
					if _, err := c.Login(t.Context(), given); !errors.Is(err, login.ErrInvalidCredentials) {
						t.Errorf("the old password: %v", err)
					}
				}
			})
		}
	}
}
