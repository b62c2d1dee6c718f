package bolt

import (
	"encoding/json"
	"fmt"
	"testing"

	"go.etcd.io/bbolt"

	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/session"
	"github.com/edgeauth/edgeauth/pkg/auth/storetest"
	"github.com/edgeauth/edgeauth/pkg/auth/user"
)

// Raw is the storetest.Raw of a DB.
type Raw struct{ DB *DB }

func place(item any) (bucket, key []byte) {
	switch item := item.(type) {
	case auth.SubjectID:
		return usersBucket, []byte(item)
	case user.Email:
		return emailsBucket, []byte(item)
	case session.Key:
		return sessionsBucket, sessionKey(item)
	case storetest.CounterKey:
		return attemptsBucket, []byte(item)
	}
	panic(fmt.Sprintf("no item: %T", item))
}

func (r Raw) Set(t testing.TB, item any, name string, value any) {
	t.Helper()
	bucket, key := place(item)
	err := r.DB.write(t.Context(), func(tx *bbolt.Tx) error {
		raw := tx.Bucket(bucket).Get(key)
		var record map[string]any
		if err := json.Unmarshal(raw, &record); err != nil {
			return err
		}
		record[name] = value
		changed, err := json.Marshal(record)
		if raw[0] == pointerMark[0] {
			changed = append([]byte(pointerMark), changed...)
		}
		if err != nil {
			return err
		}
		return tx.Bucket(bucket).Put(key, changed)
	})
	if err != nil {
		t.Fatal(err)
	}
}

func (r Raw) Get(t testing.TB, item any, name string) string {
	t.Helper()
	bucket, key := place(item)
	var record map[string]any
	err := r.DB.read(t.Context(), func(tx *bbolt.Tx) error {
		return json.Unmarshal(tx.Bucket(bucket).Get(key), &record)
	})
	if err != nil {
		t.Fatal(err)
	}
	text, _ := record[name].(string)
	return text
}
