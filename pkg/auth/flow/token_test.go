package flow

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/edgeauth/edgeauth/pkg/auth"
)

func testKey() auth.LoginKey {
	return auth.LoginKey{ID: 7, Secret: auth.NewSecret(strings.Repeat("k", auth.KeyBytes))}
}

func testOpening() opening {
	return opening{
		Purpose: PurposeReset, ID: id{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}, Client: "web",
		IssuedAt: time.Unix(2_000_000_000, 0).UTC(),
	}
}

// one is a ring with one key.
type one struct{}

func (one) SealingKey(context.Context) (auth.LoginKey, error) { return testKey(), nil }

func (one) LoginKey(_ context.Context, id uint16) (auth.LoginKey, error) {
	if id != 7 {
		return auth.LoginKey{}, auth.ErrNotFound
	}
	return testKey(), nil
}

// TestGolden pins the bytes of an auth_session, the name of its item and its reference: clients and
// instances of two versions share flows during a deployment.
func TestGolden(t *testing.T) {
	text, err := testOpening().seal(testKey())
	if err != nil {
		t.Fatal(err)
	}
	sum, err := codeMAC(testKey(), testOpening().ID, "12345678")
	if err != nil {
		t.Fatal(err)
	}
	p := person{Subject: "s1", TokenVersion: 3, Address: "ada@example.com", Receipt: "key.1 AA"}
	encrypted, err := p.seal(testOpening().ID)
	if err != nil {
		t.Fatal(err)
	}
	digest := sha256.Sum256(encrypted[:])
	for _, row := range []struct{ name, got, want string }{
		{"auth_session", text.Reveal(), "eas_UQAHAwECAwQFBgcICQoLDA0ODxB3ZWIAdzWUALi_05ECkH1UOapkUJYhokg-DYxr"},
		{"key", string(testOpening().ID.key()), "flow.Pgr7Oj9v7SWTfaSisfSGRjyBSFXnHmAc0AT7d3KGZlk"},
		{"reference", testOpening().ID.reference(), "NHLJ"},
		{"code", hex.EncodeToString(sum[:]), "7d1df8316da4e58b3f9daf25efee0596cd28fe0001b86caffd451eeddf063f41"},
		{"person", hex.EncodeToString(digest[:]), "511d40bc811903fa19a573726e1fe17ba56d9550df1b0b5c68571849f7840774"},
	} {
		if row.got != row.want {
			t.Errorf("%s is %s, want %s", row.name, row.got, row.want)
		}
	}
	o, _, err := parse(t.Context(), one{}, text)
	if err != nil || o != testOpening() {
		t.Errorf("%+v, %v", o, err)
	}
	if back, err := openPerson(testOpening().ID, encrypted); err != nil || back != p {
		t.Errorf("%+v, %v", back, err)
	}
	if _, err := openPerson(id{}, encrypted); err == nil {
		t.Error("another id decrypts the person")
	}
}

// A person of the largest size fits, and a larger one is refused.
func TestLargestPerson(t *testing.T) {
	p := person{
		Subject: auth.SubjectID(strings.Repeat("s", auth.MaxSubjectBytes)), TokenVersion: 1<<64 - 1, Address: strings.Repeat("a", 254),
		Receipt: strings.Repeat("r", 60),
	}
	encrypted, err := p.seal(id{9})
	if err != nil {
		t.Fatal(err)
	}
	if back, err := openPerson(id{9}, encrypted); err != nil || back != p {
		t.Errorf("%+v, %v", back, err)
	}
	p.Address += "aa"
	if _, err := p.seal(id{9}); err == nil {
		t.Error("an address of 256 bytes is taken")
	}
}

// FuzzParse checks that an auth_session has one spelling, and that every other text is forged.
func FuzzParse(f *testing.F) {
	for _, client := range []auth.ClientID{"a", "web", auth.ClientID(strings.Repeat("c", maxClientBytes))} {
		o := testOpening()
		o.Client = client
		text, err := o.seal(testKey())
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text.Reveal())
		f.Add(strings.ToUpper(text.Reveal()))
		f.Add(text.Reveal()[:len(text.Reveal())-1])
		f.Add(text.Reveal() + "\n")
		f.Add("edt_" + text.Reveal()[4:])
	}
	f.Fuzz(func(t *testing.T, text string) {
		o, key, err := parse(t.Context(), one{}, auth.NewSecret(text))
		if err != nil {
			if !errors.Is(err, errForged) {
				t.Errorf("%q: %v", text, err)
			}
			return
		}
		again, err := o.seal(key)
		if err != nil || again.Reveal() != text {
			t.Errorf("%q is read as %+v, which is %q, %v", text, o, again.Reveal(), err)
		}
	})
}
