package flow

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"time"

	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/throttle"
)

// Purpose is what a flow is for. The set is closed.
type Purpose uint8

// The purposes. The auth_session contains these numbers, so they must not change.
const (
	PurposeSignup Purpose = 1 + iota // creates an account
	PurposeLogin                     // logs in without the password
	PurposeReset                     // sets a new password
)

var purposes = map[Purpose]string{PurposeSignup: "signup", PurposeLogin: "login", PurposeReset: "reset"}

// ParsePurpose returns the purpose with this name. The error names the accepted purposes.
func ParsePurpose(text string) (Purpose, error) {
	for p, name := range purposes {
		if name == text {
			return p, nil
		}
	}
	return 0, fmt.Errorf("unknown purpose %q (want signup, login or reset)", text)
}

// String returns the name of the purpose, for example signup.
func (p Purpose) String() string {
	if name, ok := purposes[p]; ok {
		return name
	}
	return fmt.Sprintf("purpose %d", uint8(p))
}

// Lifetime is how long a code and its flow are valid.
const Lifetime = 10 * time.Minute

// Tries is how many codes can be tried in one flow.
const Tries = 3

// Flow is what a store keeps of one flow. Its key is the hash of the flow's id, which only the
// client has. Without the id, Code cannot be computed and Person cannot be read, not even with all
// keys.
type Flow struct {
	Purpose Purpose
	Client  auth.ClientID
	// Code is the HMAC of id and code. If no mail was sent, it is the HMAC of a random text that
	// cannot equal a code, so no answer matches.
	Code [sha256.Size]byte
	// Person holds the address, the subject and the token version of the user, if there is one,
	// encrypted under a key made from the id.
	Person [personBytes + tagBytes]byte
	// TriesLeft is how many codes can still be tried.
	TriesLeft int
	// Ends is when the code ends, in UTC and in whole milliseconds. Expires is the time from which
	// a store may delete the flow, in whole seconds.
	Ends, Expires time.Time
	// Mark identifies the last counted try, and Spent the write that spent the flow. The zero Spent
	// means that the flow is not spent. A retry after a lost reply recognizes its own write by the
	// mark.
	Mark, Spent throttle.Mark
	// Proven means that the code was right, but the flow is not finished: the new password was
	// refused, or a step asks for more. The next try may leave the code out.
	Proven bool
}

// slack is how long a store keeps a flow after its end, so that an expired flow can be
// distinguished from an unknown flow.
const slack = time.Hour

// Key is the name of a flow in a store.
type Key string

// id is the secret of a flow. Only the client has it, inside the auth_session.
type id [16]byte

// key returns the name of the flow in the store, from which the id cannot be computed.
func (i id) key() Key {
	sum := sha256.Sum256(append([]byte("edgeauth flow 1\x00"), i[:]...))
	return Key("flow." + base64.RawURLEncoding.EncodeToString(sum[:]))
}

// referenceLetters are consonants, so that a reference is not a word. There are 20^4 references.
const referenceLetters = "BCDFGHJKLMNPQRSTVWXZ"

// reference returns four letters that the page and the mail both show. A person who compares them
// does not enter the code of a stranger's mail on their own page.
func (i id) reference() string {
	sum := sha256.Sum256(append([]byte("edgeauth flow reference 1\x00"), i[:]...))
	letters := make([]byte, 4)
	for n := range letters {
		letters[n] = referenceLetters[int(sum[n])*len(referenceLetters)/256]
	}
	return string(letters)
}

// Store keeps flows. Package storetest defines its behaviour, and every implementation passes that
// suite. If the outcome of a call is unknown, the error wraps [auth.ErrUnavailable].
// Implementations are safe for concurrent use.
type Store interface {
	// Create stores a new flow. If a flow with this key exists, it stays unchanged and Create
	// succeeds: keys are random, so the flow was stored by an earlier try of the same call.
	Create(ctx context.Context, key Key, f Flow) error
	// Update applies u to a flow atomically, as u.Do does. It returns the flow before the write, or
	// nil if it is missing, and whether the condition held. If the condition did not hold, nothing
	// is written.
	Update(ctx context.Context, key Key, u Update) (before *Flow, done bool, err error)
}
