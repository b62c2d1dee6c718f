package flow_test

import (
	"bytes"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"

	"go.etcd.io/bbolt"

	"github.com/edgeauth/edgeauth/pkg/auth/flow"
)

// TestDumpHoldsNoAddress opens flows of every kind and searches the file of all tables for codes
// and for addresses that have no account.
func TestDumpHoldsNoAddress(t *testing.T) {
	w, file := newDump(t)
	var secrets []string
	for i := range 30 {
		email := fmt.Sprintf("Stranger-%d@unknown.example", i)
		for _, p := range all {
			b := w.begin(t, p, email)
			secrets = append(secrets, email, strings.ToLower(email), b.Session.Reveal())
			if code := b.Message.Code.Reveal(); code != "" {
				secrets = append(secrets, code)
			}
		}
	}
	known := w.begin(t, flow.PurposeLogin, ada)
	secrets = append(secrets, known.Message.Code.Reveal(), known.Session.Reveal())
	dump, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Contains(dump, []byte(ada)) {
		t.Fatal("the dump does not even hold the address of a user")
	}
	for _, s := range secrets {
		for _, form := range []string{s, base64.StdEncoding.EncodeToString([]byte(s)), base64.RawURLEncoding.EncodeToString([]byte(s))} {
			if bytes.Contains(dump, []byte(form)) {
				t.Errorf("the dump holds %q", form)
			}
		}
	}
}

// TestDumpGivesNoCode tries all codes of three digits against everything that the tables hold, with
// all keys. Without the id of the flow it finds no code, and with the id exactly one.
func TestDumpGivesNoCode(t *testing.T) {
	w, file := newDump(t)
	w.ShortCodes(3)
	b := w.begin(t, flow.PurposeReset, ada)
	itemKey, id, err := w.Parse(b.Session)
	if err != nil {
		t.Fatal(err)
	}
	var fields [][]byte // of the flow's item
	var stored []byte   // its HMAC
	db, err := bbolt.Open(file, 0o600, &bbolt.Options{ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	err = db.View(func(tx *bbolt.Tx) error {
		raw := tx.Bucket([]byte("attempts")).Get([]byte(itemKey))
		var item map[string]any
		if err := json.Unmarshal(raw, &item); err != nil {
			return err
		}
		fields = append(fields, []byte(itemKey), nil)
		for name, value := range item {
			text := fmt.Sprint(value)
			fields = append(fields, []byte(name), []byte(text))
			if b, err := base64.StdEncoding.DecodeString(text); err == nil {
				fields = append(fields, b)
				if name == "code" {
					stored = b
				}
				for i := range max(0, len(b)-len(id)+1) {
					fields = append(fields, b[i:i+len(id)])
				}
			}
		}
		if sum, err := base64.RawURLEncoding.DecodeString(strings.TrimPrefix(string(itemKey), "flow.")); err == nil {
			fields = append(fields, sum, sum[:16], sum[16:])
		}
		return nil
	})
	if err != nil || len(stored) != sha256.Size {
		t.Fatal(err, len(stored))
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	// The rings: each key, and the keys derived from it for codes.
	var keys [][]byte
	for _, ring := range []uint16{1, 2} {
		key, err := sealing{}.LoginKey(t.Context(), ring)
		if err != nil {
			t.Fatal(err)
		}
		derived, err := key.Derive("edgeauth flow code 1")
		if err != nil {
			t.Fatal(err)
		}
		keys = append(keys, derived, []byte(key.Secret.Reveal()))
	}
	found := func(ids [][]byte) (codes []string) {
		for n := range 1000 {
			code := fmt.Sprintf("%03d", n)
			for _, key := range keys {
				for _, i := range ids {
					mac := hmac.New(sha256.New, key)
					mac.Write(i)
					mac.Write([]byte(code))
					if hmac.Equal(mac.Sum(nil), stored) {
						codes = append(codes, code)
					}
				}
			}
		}
		return codes
	}
	if codes := found(fields); len(codes) != 0 {
		t.Errorf("the tables and the keys give the code %v", codes)
	}
	if codes := found([][]byte{id[:]}); len(codes) != 1 || codes[0] != b.Message.Code.Reveal() {
		t.Errorf("with the id: %v, want the code alone", codes)
	}
	// A flow without a mail has no code at all.
	none := w.begin(t, flow.PurposeReset, eve)
	key, id, err := w.Parse(none.Session)
	if err != nil {
		t.Fatal(err)
	}
	before, _, err := w.Store.Update(t.Context(), key, flow.Update{})
	if err != nil || before == nil {
		t.Fatal(before, err)
	}
	current, err := sealing{}.SealingKey(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for n := range 1000 {
		if sum, err := flow.CodeMAC(current, id, fmt.Sprintf("%03d", n)); err != nil || sum == before.Code {
			t.Errorf("code %03d matches a flow whose mail never left: %v", n, err)
		}
	}
}

// The items of known and unknown addresses have the same members of the same length.
func TestItemsLookAlike(t *testing.T) {
	w := newWorld(t)
	shape := func(email string) string {
		t.Helper()
		key, _, err := w.Parse(w.begin(t, flow.PurposeLogin, email).Session)
		if err != nil {
			t.Fatal(err)
		}
		f, done, err := w.Store.Update(t.Context(), key, flow.Update{})
		if err != nil || !done {
			t.Fatal(err)
		}
		return fmt.Sprint(f.Purpose, f.Client, len(f.Code), len(f.Person), f.TriesLeft, f.Ends, f.Expires, f.Mark, f.Spent, f.Proven)
	}
	if a, b := shape(ada), shape(eve); a != b {
		t.Errorf("known %s, unknown %s", a, b)
	}
}

// TestCodesAreUniform counts the digits at each place of many codes.
func TestCodesAreUniform(t *testing.T) {
	const n = 2000
	var counts [8][10]int
	for range n {
		code, err := flow.NewCode(rand.Reader, 8)
		if err != nil || len(code) != 8 {
			t.Fatal(code, err)
		}
		for place, digit := range code {
			counts[place][digit-'0']++
		}
	}
	for place, digits := range counts {
		for digit, count := range digits {
			if count < n/10-100 || count > n/10+100 { // 7 standard deviations
				t.Errorf("the digit %d stands %d times at place %d of %d codes", digit, count, place, n)
			}
		}
	}
}
