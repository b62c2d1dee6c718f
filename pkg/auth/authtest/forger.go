package authtest

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/json"
	"strings"
	"time"

	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/token"
)

// forger makes bad tokens from a valid token.
type forger struct {
	signer  signer
	header  members
	payload members
	good    string
	now     time.Time
	next    token.SigningKey
	strange ed25519.PrivateKey // the key of a stranger
	err     error              // the first error
}

func (a *Authority) forger(subject auth.SubjectID) *forger {
	a.t.Helper()
	f := &forger{signer: a.signer(), good: a.Token(subject), now: a.Clock.Now(), next: a.next}
	var err error
	_, f.strange, err = ed25519.GenerateKey(rand.Reader)
	f.note(err)
	header, payload, _ := f.segments()
	f.header, f.payload = f.read(header), f.read(payload)
	return f
}

// members are the members of a JSON object. with returns a changed copy.
type members map[string]any

func (f *forger) read(segment string) members {
	text, err := decode(segment)
	f.note(err)
	numbers := json.NewDecoder(bytes.NewReader(text))
	numbers.UseNumber() // times stay as they are written
	var m members
	f.note(numbers.Decode(&m))
	return m
}

// with returns m with the given members. A member that is nil is left out.
func (m members) with(changes members) members {
	other := members{}
	for _, from := range []members{m, changes} {
		for name, value := range from {
			other[name] = value
			if value == nil {
				delete(other, name)
			}
		}
	}
	return other
}

// text returns m as JSON. Encoding cannot fail: m was read from JSON, and changes are texts and
// numbers.
func (m members) text() string {
	text, _ := json.Marshal(m)
	return string(text)
}

func (f *forger) note(err error) {
	if f.err == nil {
		f.err = err
	}
}

// signed returns a token with this header and payload and a valid signature.
func (f *forger) signed(header, payload members) string {
	return f.signedText(header.text(), payload.text())
}

func (f *forger) signedText(header, payload string) string {
	text, err := f.signer.sign(header, payload)
	f.note(err)
	return text
}

// claims returns a token with a valid signature and a payload with these changes.
func (f *forger) claims(changes members) string { return f.signed(f.header, f.payload.with(changes)) }

// headers returns a token with a valid signature and a header with these changes.
func (f *forger) headers(changes members) string { return f.signed(f.header.with(changes), f.payload) }

// segments returns the three parts of the valid token.
func (f *forger) segments() (header, payload, signature string) {
	header, rest, _ := strings.Cut(f.good, ".")
	payload, signature, _ = strings.Cut(rest, ".")
	return header, payload, signature
}

func (f *forger) signature() string {
	_, _, signature := f.segments()
	return signature
}

// append returns a token with a valid signature and a payload with one more member at its end. The
// payload may already have the member.
func (f *forger) append(member string) string {
	return f.signedText(f.header.text(), strings.TrimSuffix(f.payload.text(), "}")+","+member+"}")
}

// stranger returns a token with this header and the valid payload, under a key that is not
// published.
func (f *forger) stranger(header members) string {
	_, payload, _ := f.segments()
	text := encode(header.text()) + "." + payload
	return text + "." + encode(string(ed25519.Sign(f.strange, []byte(text))))
}

func (f *forger) strangerJWK() members {
	return members{"kty": "OKP", "crv": "Ed25519", "x": encode(string(f.strange.Public().(ed25519.PublicKey)))}
}

// signedByNext returns the valid payload, signed under the next key but with the kid of the current
// key.
func (f *forger) signedByNext() string {
	next, err := newSigner(f.next)
	f.note(err)
	text, err := next.sign(f.header.text(), f.payload.text())
	f.note(err)
	return text
}

// respelled returns the valid token with another last character that decodes to the same signature:
// its last two bits belong to no byte (RFC 4648, section 3.5).
func (f *forger) respelled() string {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	last := len(f.good) - 1
	return f.good[:last] + string(alphabet[strings.IndexByte(alphabet, f.good[last])|1])
}
