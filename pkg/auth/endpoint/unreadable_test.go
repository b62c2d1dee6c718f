package endpoint_test

import (
	"encoding/json"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"github.com/edgeauth/edgeauth/pkg/auth/service"
	"go.etcd.io/bbolt"
)

// TestUnreadableItems: an item of a later schema version decides nothing. The answer is 503, and
// the tokens work again when the item is readable.
func TestUnreadableItems(t *testing.T) {
	for _, row := range []struct{ bucket, path, body string }{
		{"users", "/auth/login", `{"email":"` + email + `","password":"` + secret + `"}`},
		{"users", "/auth/refresh", ""},
		{"sessions", "/auth/refresh", ""},
		{"sessions", "/auth/logout", ""},
	} {
		t.Run(row.bucket+" at "+row.path, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "store.db")
			h := newHarness(t, storesIn(t, path))
			body := row.body
			if body == "" {
				_, refresh := h.login(t)
				body = `{"refresh_token":"` + refresh + `"}`
			}
			request := "POST " + row.path + "\nContent-Type: application/json\n\n" + body
			setVersion(t, path, row.bucket, 2)
			if got := h.send(t, request); got.status != http.StatusServiceUnavailable || !strings.Contains(got.text, "Retry-After") ||
				strings.Contains(got.body, `"terminal":true`) {
				t.Errorf("unreadable: %s", got.text)
			}
			setVersion(t, path, row.bucket, 1)
			if got := h.send(t, request); got.status != http.StatusOK {
				t.Errorf("readable again: %s", got.text)
			}
		})
	}
}

// storesIn keeps the stores in the file at path, which a test opens in addition to the service.
func storesIn(t *testing.T, path string) func(*service.Settings) {
	return func(s *service.Settings) {
		var err error
		if s.Stores, err = service.OpenBolt(path); err != nil {
			t.Fatal(err)
		}
	}
}

// setVersion sets the schema version of every record in a bucket of the store's file.
func setVersion(t *testing.T, path, bucket string, version int) {
	t.Helper()
	file, err := bbolt.Open(path, 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	err = file.Update(func(tx *bbolt.Tx) error {
		b, changed := tx.Bucket([]byte(bucket)), map[string][]byte{}
		err := b.ForEach(func(k, v []byte) error {
			var record map[string]any
			if err := json.Unmarshal(v, &record); err != nil {
				return err
			}
			record["v"] = version
			raw, err := json.Marshal(record)
			changed[string(k)] = raw
			return err
		})
		if err != nil {
			return err
		}
		if len(changed) == 0 {
			t.Fatalf("no record in bucket %s", bucket)
		}
		for k, v := range changed {
			if err := b.Put([]byte(k), v); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
