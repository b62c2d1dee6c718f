package bolt

import (
	"encoding/json"
	"fmt"
	"maps"
	"strings"
	"testing"

	"go.etcd.io/bbolt"

	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/session"
	"github.com/edgeauth/edgeauth/pkg/auth/storetest"
	"github.com/edgeauth/edgeauth/pkg/auth/user"
)

// Raw implements [storetest.Raw] for a DB.
type Raw struct{ DB *DB }

func place(item any) (bucket, key []byte) {
	switch item := item.(type) {
	case auth.SubjectID:
		return usersBucket, []byte(item)
	case user.Pointer:
		return pointerAt(item)
	case user.Mark:
		return marksBucket, []byte(item)
	case session.Key:
		return sessionsBucket, sessionKey(item)
	case storetest.CounterKey:
		return attemptsBucket, []byte(item)
	case storetest.FlowKey:
		return attemptsBucket, []byte(item)
	case storetest.FormsKey:
		return recordsBucket, formsKey
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

// Item implements [storetest.Raw].
func (r Raw) Item(t testing.TB, item any) any {
	t.Helper()
	bucket, key := place(item)
	var text string
	err := r.DB.read(t.Context(), func(tx *bbolt.Tx) error {
		text = string(tx.Bucket(bucket).Get(key))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// Put implements [storetest.Raw].
func (r Raw) Put(t testing.TB, item, content any) {
	t.Helper()
	bucket, key := place(item)
	err := r.DB.write(t.Context(), func(tx *bbolt.Tx) error { return tx.Bucket(bucket).Put(key, []byte(content.(string))) })
	if err != nil {
		t.Fatal(err)
	}
}

// Rename implements [storetest.Raw].
func (r Raw) Rename(t testing.TB, from, to user.Pointer) {
	t.Helper()
	r.Put(t, to, r.Item(t, from))
	bucket, key := place(from)
	if err := r.DB.write(t.Context(), func(tx *bbolt.Tx) error { return tx.Bucket(bucket).Delete(key) }); err != nil {
		t.Fatal(err)
	}
}

// Damaged implements [storetest.Raw].
func (r Raw) Damaged(t testing.TB, item any) map[string]any {
	t.Helper()
	text := r.Item(t, item).(string)
	damaged := map[string]any{"half a record": text[:len(text)/2]}
	var record map[string]any
	if err := json.Unmarshal([]byte(text), &record); err != nil {
		t.Fatal(err)
	}
	for name, value := range record {
		spoil := func(how string, value any) {
			other := maps.Clone(record)
			other[name] = value
			raw, err := json.Marshal(other)
			if err != nil {
				t.Fatal(err)
			}
			damaged[name+" "+how] = text[:len(text)-len(strings.TrimLeft(text, pointerMark))] + string(raw)
		}
		switch value.(type) {
		case float64:
			spoil("is a text", "x")
			spoil("is a fraction", 1.5)
		default:
			spoil("is a number", 7)
		}
	}
	return damaged
}

// NoSync reports whether writes to d return before the disk has synced.
func (d *DB) NoSync(t testing.TB) (unsynced bool) {
	t.Helper()
	file, err := d.acquire(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer d.release()
	return file.NoSync
}
