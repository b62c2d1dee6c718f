package keyrings

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/edgeauth/edgeauth/internal/strictjson"
	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/token"
)

// format is the version of the text's form, its member "v". It is no key version.
const format = 1

// maxBytes bounds a ring's text: Secrets Manager accepts no longer secret.
const maxBytes = 64 << 10

// stackPrefix marks the first of the requests in a text if the ring belongs to a stack. The stack
// has no member of its own, because earlier code refuses unknown members. With the prefix, earlier
// functions still start during an update and after a rollback.
const stackPrefix = "stack:"

type ringText struct {
	Format int64                `json:"v"`
	Kind   string               `json:"kind,omitempty"` // loginKind or empty
	Serial uint64               `json:"serial"`
	Keys   map[string]entryText `json:"keys"`

	Requests []string   `json:"requests,omitempty"`
	Dropped  []string   `json:"dropped,omitempty"`
	Purge    *purgeText `json:"purge,omitempty"`
}

// loginKind marks the text of a login ring. Its keys have the same form as the keys of a
// refresh-token ring. Without the mark a function could confuse the two rings.
const loginKind = "login"

type purgeText struct {
	Version Version `json:"version"`
	Lapsed  string  `json:"lapsed,omitempty"`
}

type entryText struct {
	KID          string          `json:"kid,omitempty"`
	Algorithm    token.Algorithm `json:"alg,omitempty"`
	JWK          json.RawMessage `json:"jwk,omitempty"`
	Secret       string          `json:"secret,omitempty"` // base64url
	Created      string          `json:"created"`          // like all times: RFC 3339
	Published    string          `json:"published,omitempty"`
	SigningSince string          `json:"signing_since,omitempty"`
	Retired      string          `json:"retired,omitempty"`
}

// Text returns the ring in the form that [Parse] reads.
func (r Ring) Text() (auth.Secret, error) {
	text := ringText{
		Format: format, Serial: r.Serial, Keys: map[string]entryText{}, Requests: r.Requests, Dropped: r.Dropped,
	}
	if r.Kind == LoginRing {
		text.Kind = loginKind
	}
	if r.Stack != "" {
		text.Requests = slices.Concat([]string{stackPrefix + r.Stack}, r.Requests)
	}
	if r.Purge.Version != 0 {
		text.Purge = &purgeText{r.Purge.Version, writeTime(r.Purge.Lapsed)}
	}
	for v, entry := range r.Keys {
		e := entryText{
			Created:      writeTime(entry.Created),
			Published:    writeTime(entry.Published),
			SigningSince: writeTime(entry.SigningSince),
			Retired:      writeTime(entry.Retired),
		}
		if r.Kind == SigningRing {
			e.KID, e.Algorithm = entry.Signing.ID(), entry.Signing.Algorithm()
			e.JWK = json.RawMessage(entry.Signing.JWK().Reveal())
		} else {
			e.Secret = base64.RawURLEncoding.EncodeToString([]byte(entry.Secret.Reveal()))
		}
		text.Keys[strconv.Itoa(int(v))] = e
	}
	data, err := json.Marshal(text)
	if err != nil {
		return auth.Secret{}, fmt.Errorf("%s: %w", r.Kind, err)
	}
	if len(data) > maxBytes { // never save a text that cannot be read again
		return auth.Secret{}, fmt.Errorf("%s: it does not fit into the %d bytes of a secret; rotate less often", r.Kind, maxBytes)
	}
	return auth.NewSecret(string(data)), nil
}

// Parse parses the text of a ring of this kind. Parse refuses unknown members, because a newer form
// of the text must not lose information. Errors wrap [ErrMalformed] and contain no key material.
func Parse(kind Kind, text auth.Secret) (Ring, error) {
	r, err := parse(kind, text.Reveal())
	if err != nil {
		return Ring{}, fmt.Errorf("%s: %w: %w", kind, ErrMalformed, err)
	}
	return r, nil
}

func parse(kind Kind, text string) (Ring, error) {
	if len(text) > maxBytes {
		return Ring{}, fmt.Errorf("it is longer than %d bytes", maxBytes)
	}
	m, err := strictjson.Object([]byte(text))
	if err != nil {
		return Ring{}, err
	}
	names := []string{"v", "serial", "keys", "requests", "dropped", "purge"}
	if kind == LoginRing {
		names = append(names, "kind")
		if is, err := strictjson.String(m["kind"]); err != nil || is != loginKind {
			return Ring{}, fmt.Errorf("kind must be %q", loginKind)
		}
	}
	if err := onlyNames(m, names...); err != nil {
		return Ring{}, err
	}
	if v, err := strictjson.Integer(m["v"]); err != nil || v != format {
		return Ring{}, fmt.Errorf("v must be %d", format)
	}
	serial, err := strictjson.Integer(m["serial"])
	if err != nil || serial < 1 {
		return Ring{}, errors.New("serial must be an integer above 0")
	}
	keys, err := strictjson.Object(m["keys"])
	if err != nil {
		return Ring{}, fmt.Errorf("keys: %w", err)
	}
	r := Ring{Kind: kind, Serial: uint64(serial), Keys: make(map[Version]Entry, len(keys))}
	if err := r.parseHistory(m); err != nil {
		return Ring{}, err
	}
	for name, raw := range keys {
		v, err := strconv.ParseUint(name, 10, 16)
		if err != nil || v == 0 || strconv.FormatUint(v, 10) != name {
			return Ring{}, errors.New("keys: a name is not a version (want a number from 1 to 65535)")
		}
		entry, err := parseEntry(kind, raw)
		if err != nil {
			return Ring{}, fmt.Errorf("key %q: %w", name, err)
		}
		r.Keys[Version(v)] = entry
	}
	return r, nil
}

// parseHistory parses the history that Move needs. A ring that was never moved has no history.
func (r *Ring) parseHistory(m map[string]json.RawMessage) error {
	for name, into := range map[string]*[]string{"requests": &r.Requests, "dropped": &r.Dropped} {
		if m[name] == nil {
			continue
		}
		var err error
		if *into, err = strictjson.Strings(m[name]); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	if len(r.Requests) > 0 {
		if stack, ok := strings.CutPrefix(r.Requests[0], stackPrefix); ok {
			r.Stack, r.Requests = stack, r.Requests[1:]
		}
	}
	if m["purge"] == nil {
		return nil
	}
	purge, err := strictjson.Object(m["purge"])
	if err != nil {
		return fmt.Errorf("purge: %w", err)
	}
	if err := onlyNames(purge, "version", "lapsed"); err != nil {
		return fmt.Errorf("purge: %w", err)
	}
	v, err := strictjson.Integer(purge["version"])
	if err != nil || v < 1 || v > math.MaxUint16 {
		return errors.New("purge: version must be a number from 1 to 65535")
	}
	r.Purge.Version = Version(v)
	if purge["lapsed"] != nil {
		if r.Purge.Lapsed, err = readTime(purge["lapsed"]); err != nil {
			return fmt.Errorf("purge: lapsed %s", wantTime)
		}
	}
	return nil
}

func parseEntry(kind Kind, raw json.RawMessage) (Entry, error) {
	m, err := strictjson.Object(raw)
	if err != nil {
		return Entry{}, err
	}
	var entry Entry
	for name, into := range map[string]*time.Time{
		"created": &entry.Created, "published": &entry.Published,
		"signing_since": &entry.SigningSince, "retired": &entry.Retired,
	} {
		if m[name] == nil && name != "created" {
			continue
		}
		if *into, err = readTime(m[name]); err != nil {
			return Entry{}, fmt.Errorf("%s %s", name, wantTime)
		}
	}
	if kind == SigningRing {
		entry.Signing, err = parseSigning(m)
	} else {
		entry.Secret, err = parseSecret(m)
	}
	return entry, err
}

func parseSigning(m map[string]json.RawMessage) (token.SigningKey, error) {
	if err := onlyNames(m, "kid", "alg", "jwk", "created", "published", "signing_since", "retired"); err != nil {
		return token.SigningKey{}, err
	}
	key, err := token.ParseSigningKey(auth.NewSecret(string(m["jwk"])))
	if err != nil {
		return token.SigningKey{}, fmt.Errorf("jwk: %w", err)
	}
	if alg, err := strictjson.String(m["alg"]); err != nil || alg != string(key.Algorithm()) {
		return token.SigningKey{}, fmt.Errorf("alg must be %s, as in its jwk", key.Algorithm())
	}
	if kid, err := strictjson.String(m["kid"]); err != nil || kid != key.ID() {
		return token.SigningKey{}, fmt.Errorf("kid must be %s, the thumbprint of its jwk", key.ID())
	}
	return key, nil
}

func parseSecret(m map[string]json.RawMessage) (auth.Secret, error) {
	if err := onlyNames(m, "secret", "created", "signing_since", "retired"); err != nil {
		return auth.Secret{}, err
	}
	text, err := strictjson.String(m["secret"])
	if err != nil {
		return auth.Secret{}, fmt.Errorf("secret: %w", err)
	}
	// The text is encoded again and compared, because the decoder ignores line feeds. A different
	// spelling would be a typo.
	material, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil || base64.RawURLEncoding.EncodeToString(material) != text || len(material) != auth.KeyBytes {
		return auth.Secret{}, fmt.Errorf("secret must be %d bytes in base64url", auth.KeyBytes)
	}
	return auth.NewSecret(string(material)), nil
}

func onlyNames(m map[string]json.RawMessage, known ...string) error {
	left := len(m)
	for _, name := range known {
		if m[name] != nil {
			left--
		}
	}
	if left > 0 {
		return fmt.Errorf("unknown member (want %s)", strings.Join(known, ", "))
	}
	return nil
}

const wantTime = "must be a time of RFC 3339 in UTC, in seconds"

func writeTime(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}

func readTime(raw json.RawMessage) (time.Time, error) {
	text, err := strictjson.String(raw)
	if err != nil {
		return time.Time{}, err
	}
	t, err := time.Parse(time.RFC3339, text)
	if err == nil && writeTime(t) != text {
		return time.Time{}, errors.New("another spelling")
	}
	return t.UTC(), err
}
