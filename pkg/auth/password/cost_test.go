package password

import (
	"strings"
	"testing"

	"github.com/edgeauth/edgeauth/pkg/auth"
)

func TestCostValidate(t *testing.T) {
	for _, row := range []struct {
		name string
		cost Cost
		want string // in the error; empty for none
	}{
		{"default", Cost{}, ""},
		{"default, spelled", Cost{19456, 2, 1}, ""},
		{"most memory of OWASP's", Cost{47104, 1, 1}, ""},
		{"least memory of OWASP's", Cost{7168, 5, 1}, ""},
		{"more of all", Cost{65536, 3, 4}, ""},
		{"most", Cost{131072, 5, 8}, ""},
		{"a KiB less", Cost{19455, 2, 1}, "too low (want at least one of"},
		{"a pass less", Cost{7168, 4, 1}, "too low (want at least one of"},
		{"lanes do not count", Cost{9728, 2, 2}, "too low (want at least one of"},
		{"memory above", Cost{131073, 1, 1}, "at most 131072 KiB"},
		{"passes above", Cost{7168, 11, 1}, "1 to 10 passes"},
		{"lanes above", Cost{19456, 2, 65}, "1 to 64 lanes"},
		{"no lanes", Cost{19456, 2, 0}, "1 to 64 lanes"},
		{"no passes", Cost{19456, 0, 1}, "1 to 10 passes"},
		{"work above", Cost{131072, 6, 1}, "at most 655360 KiB of memory times passes"},
		{"work overflows", Cost{1 << 31, 2, 1}, "at most 131072 KiB"},
	} {
		err := row.cost.Validate()
		if (err == nil) != (row.want == "") || (err != nil && !strings.Contains(err.Error(), row.want)) {
			t.Errorf("%s: %v", row.name, err)
		}
	}
}

func TestCostIsUsed(t *testing.T) {
	secret := auth.NewSecret("correct horse")
	dear := Hasher{Cost: Cost{7168, 5, 1}}
	stored, err := dear.Hash(secret)
	if err != nil || !strings.HasPrefix(stored.Reveal(), "$argon2id$v=19$m=7168,t=5,p=1$") {
		t.Fatalf("%s, %v", stored.Reveal(), err)
	}
	for _, row := range []struct {
		hasher   Hasher
		outdated bool
	}{{dear, false}, {Hasher{}, true}} {
		if got, err := row.hasher.Verify(stored, secret); err != nil || got != (Result{Match: true, Outdated: row.outdated}) {
			t.Errorf("%v: %+v, %v", row.hasher.Cost, got, err)
		}
	}
	if got, err := (Hasher{Cost: Cost{8, 1, 1}}).Hash(secret); err == nil || got.Reveal() != "" {
		t.Error("a cost below the floor is used")
	}
}
