package bolt

import (
	"encoding/json"
	"fmt"
	"reflect"
	"time"

	"go.etcd.io/bbolt"

	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/flow"
	"github.com/edgeauth/edgeauth/pkg/auth/throttle"
)

// schemaVersion is the member "v" of every record. The rules are the same as in package dynamo. A
// new member does not raise the version; code that does not know the member keeps it. The version
// rises one release after the code that reads it. If a record is damaged or has another version,
// reading it returns auth.ErrUnavailable. An unreadable record is never overwritten, and never
// counts as missing.
const schemaVersion = 1

const versionMember = "v"

// member is one member of a record (a JSON object) and the address of its value. Zero values are
// left out.
type member struct {
	name string
	at   any
}

// load reads the members of the record under key, and reports whether the record exists. Absent
// members keep their values.
func load(tx *bbolt.Tx, bucket, key []byte, members []member) (found bool, err error) {
	record, err := recordAt(tx, bucket, key)
	if err != nil || record == nil {
		return false, err
	}
	for _, m := range members {
		raw, there := record[m.name]
		if !there {
			continue
		}
		if err := json.Unmarshal(raw, m.at); err != nil {
			return false, fmt.Errorf("%w: member %s of a record in bucket %s: %w", auth.ErrUnavailable, m.name, bucket, err)
		}
	}
	return true, nil
}

// save writes the members into the record under key. It keeps other members of the record, which a
// later version may have written.
func save(tx *bbolt.Tx, bucket, key []byte, members []member) error {
	record, err := recordAt(tx, bucket, key)
	if err != nil {
		return err
	}
	if record == nil {
		record = map[string]json.RawMessage{versionMember: json.RawMessage(fmt.Sprint(schemaVersion))}
	}
	for _, m := range members {
		if isZero(m.at) {
			delete(record, m.name)
		} else if record[m.name], err = json.Marshal(m.at); err != nil {
			return fmt.Errorf("member %s of a record in bucket %s: %w", m.name, bucket, err)
		}
	}
	raw, err := json.Marshal(record)
	if err != nil {
		return err
	}
	return tx.Bucket(bucket).Put(key, raw)
}

// recordAt returns the members of a record by name, or nil if the record does not exist.
func recordAt(tx *bbolt.Tx, bucket, key []byte) (map[string]json.RawMessage, error) {
	raw := tx.Bucket(bucket).Get(key)
	if raw == nil {
		return nil, nil
	}
	var record map[string]json.RawMessage
	if err := json.Unmarshal(raw, &record); err != nil {
		return nil, fmt.Errorf("%w: a record in bucket %s: %w", auth.ErrUnavailable, bucket, err)
	}
	if v := string(record[versionMember]); v != fmt.Sprint(schemaVersion) {
		return nil, fmt.Errorf("%w: the schema version of a record in bucket %s is %q (want %d)", auth.ErrUnavailable, bucket, v, schemaVersion)
	}
	return record, nil
}

// isZero reports whether at points to a zero value or to an empty list or map.
func isZero(at any) bool {
	v := reflect.ValueOf(at).Elem()
	switch v.Kind() {
	case reflect.Slice, reflect.Map:
		return v.Len() == 0
	}
	return v.IsZero()
}

// Types for members without a JSON type. The comment gives the stored form.
type (
	secretText auth.Secret   // a text
	moment     time.Time     // milliseconds since 1970
	second     time.Time     // seconds since 1970
	duration   time.Duration // milliseconds
	digest     [32]byte      // base64
	mark       throttle.Mark // base64
	delivery   auth.Delivery // the word of the delivery
	not        bool          // the opposite of the member: an absent member means true
	fixed      []byte        // base64 of exactly this number of bytes
	purpose    flow.Purpose  // a name
)

func (s *secretText) MarshalJSON() ([]byte, error) { return json.Marshal(auth.Secret(*s).Reveal()) }

func (s *secretText) UnmarshalJSON(raw []byte) error {
	var text string
	err := json.Unmarshal(raw, &text)
	if text != "" {
		*s = secretText(auth.NewSecret(text))
	}
	return err
}

func (m *moment) MarshalJSON() ([]byte, error) { return json.Marshal(time.Time(*m).UnixMilli()) }

func (m *moment) UnmarshalJSON(raw []byte) error {
	var ms int64
	err := json.Unmarshal(raw, &ms)
	if ms != 0 { // earlier versions wrote 0 for the zero time
		*m = moment(time.UnixMilli(ms).UTC())
	}
	return err
}

func (s *second) MarshalJSON() ([]byte, error) { return json.Marshal(time.Time(*s).Unix()) }

func (s *second) UnmarshalJSON(raw []byte) error {
	var sec int64
	err := json.Unmarshal(raw, &sec)
	*s = second(time.Unix(sec, 0).UTC())
	return err
}

func (d *duration) MarshalJSON() ([]byte, error) {
	return json.Marshal(time.Duration(*d).Milliseconds())
}

func (d *duration) UnmarshalJSON(raw []byte) error {
	var ms int64
	err := json.Unmarshal(raw, &ms)
	*d = duration(time.Duration(ms) * time.Millisecond)
	return err
}

func (d *delivery) MarshalJSON() ([]byte, error) { return json.Marshal(auth.Delivery(*d).String()) }

func (d *delivery) UnmarshalJSON(raw []byte) error {
	var word string
	if err := json.Unmarshal(raw, &word); err != nil {
		return err
	}
	named, err := auth.ParseDelivery(word)
	*d = delivery(named)
	return err
}

func (n *not) MarshalJSON() ([]byte, error) { return json.Marshal(!*n) }

func (n *not) UnmarshalJSON(raw []byte) error {
	var b bool
	err := json.Unmarshal(raw, &b)
	*n = not(!b)
	return err
}

func (p *purpose) MarshalJSON() ([]byte, error) { return json.Marshal(flow.Purpose(*p).String()) }

func (p *purpose) UnmarshalJSON(raw []byte) error {
	var text string
	if err := json.Unmarshal(raw, &text); err != nil {
		return err
	}
	known, err := flow.ParsePurpose(text)
	*p = purpose(known)
	return err
}

func (d *digest) MarshalJSON() ([]byte, error)   { return json.Marshal(d[:]) }
func (d *digest) UnmarshalJSON(raw []byte) error { return readBytes(raw, d[:]) }
func (f *fixed) MarshalJSON() ([]byte, error)    { return json.Marshal([]byte(*f)) }
func (f *fixed) UnmarshalJSON(raw []byte) error  { return readBytes(raw, *f) }
func (m *mark) MarshalJSON() ([]byte, error)     { return json.Marshal(m[:]) }
func (m *mark) UnmarshalJSON(raw []byte) error   { return readBytes(raw, m[:]) }

// readBytes reads base64 with exactly the length of into.
func readBytes(raw []byte, into []byte) error {
	var b []byte
	if err := json.Unmarshal(raw, &b); err != nil {
		return err
	}
	if len(b) != len(into) {
		return fmt.Errorf("%d bytes (want %d)", len(b), len(into))
	}
	copy(into, b)
	return nil
}
