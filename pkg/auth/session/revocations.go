package session

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"time"

	"github.com/edgeauth/edgeauth/pkg/auth"
)

// Revocations is the list of ended sessions and users, for authorizers that refuse access tokens
// before they expire. Package storetest defines its behaviour. Implementations are safe for
// concurrent use.
//
// The stores write the entries themselves, each in the transaction of the end: a [Store] that sets
// a [Revocation], a [Versions], and a store of users that raises a token version or deletes a user.
// So the database contains both an end and its entry, or neither. No entry names a live session,
// and no caller can forget an entry.
type Revocations interface {
	// Write adds an entry without an end. A repeated call for an equal entry succeeds. The error
	// wraps [auth.ErrUnavailable] if the store did not confirm the write.
	Write(ctx context.Context, e RevocationEntry) error
	// Since returns the entries whose time is not before since, in any order, with strongly
	// consistent reads. now is the reader's clock; the clocks of writers may be up to a minute
	// ahead of it. If a part of the list could not be read, Since returns no entries, and the error
	// wraps [auth.ErrUnavailable].
	//
	// An entry becomes readable some time after its own time, because the writer reads its clock
	// first. A reader that polls must therefore begin a minute before its last successful read.
	Since(ctx context.Context, since, now time.Time) ([]RevocationEntry, error)
}

// RevocationsKept is the minimum time for which an entry can be read. It is longer than the
// lifetime of an access token.
const RevocationsKept = 2 * time.Hour

// RevocationEntry is one entry of [Revocations]: the end of a session, of all tokens of a user
// below a token version, or of all tokens of all users. [EndOfSession], [EndOfUser] and [EndOfAll]
// make the three kinds. Times are UTC with millisecond precision.
type RevocationEntry struct {
	// ID names what has ended. It is zero in an entry of all users.
	ID RevocationID
	// Below is the token version below which the user's tokens are refused, as in
	// [auth.TokenVersion.Below]. It is zero in other entries.
	Below uint64
	// IssuedBy is set in an entry of all users: tokens that were issued at or before this instant
	// are refused. It is zero in other entries.
	IssuedBy time.Time
	// At is when the entry was written, according to the writer's clock.
	At time.Time
}

// EndOfSession returns the entry of a session that has ended. Its tokens are refused.
func EndOfSession(key Key, at time.Time) RevocationEntry {
	return RevocationEntry{ID: RevocationIDOfSession(key), At: millis(at)}
}

// EndOfUser returns the entry of a user whose token version is now below. All tokens of the user
// with a lower version are refused. A version needs no comparison of clocks: if a refresh reads the
// user before the end and signs its token afterwards, that token is refused, and the token of a
// login after the end is not.
func EndOfUser(of auth.SubjectID, below uint64, at time.Time) RevocationEntry {
	return RevocationEntry{ID: RevocationIDOfUser(of), Below: below, At: millis(at)}
}

// EndOfAll returns the entry that refuses all tokens of all users that were issued at or before at.
func EndOfAll(at time.Time) RevocationEntry {
	return RevocationEntry{IssuedBy: millis(at), At: millis(at)}
}

// Revokes returns the entry that a store writes with u, if u is applied to the session of key. It
// reports false if u revokes nothing.
func (u Update) Revokes(key Key) (RevocationEntry, bool) {
	if u.Set.Revocation == nil {
		return RevocationEntry{}, false
	}
	return EndOfSession(key, u.Set.Revocation.At), true
}

// Revokes returns the entries that a store writes with r.
func (r Raise) Revokes() (all []RevocationEntry) {
	if r.To > r.From {
		all = append(all, EndOfUser(r.Key.Subject, r.To, r.At))
	}
	if r.Update != nil {
		if e, ok := r.Update.Revokes(r.Key); ok {
			all = append(all, e)
		}
	}
	return all
}

// VersionAbove returns a token version that is higher than version and every earlier version of the
// user. A table of users that was restored from a backup may have lost higher versions: an import
// and an operator's end set the version to the seconds since 1970.
func VersionAbove(version uint64, at time.Time) uint64 {
	return max(version+1, uint64(max(0, at.Unix())))
}

// RevocationID names a session or a user in an entry: a truncated SHA-256. So the entries, which
// every authorizer reads, contain neither subjects nor session ids. The hash has no key, because
// two versions of a function may run with different keys during a deployment. The hash does not
// depend on the issuer: a table belongs to one deployment with one issuer, and tokens of other
// issuers are not looked up.
type RevocationID [16]byte

// String returns the id as 22 characters of unpadded base64url.
func (id RevocationID) String() string { return base64.RawURLEncoding.EncodeToString(id[:]) }

// RevocationIDOfSession returns the id of a session.
func RevocationIDOfSession(key Key) RevocationID {
	return revocationID("session", key.Subject, key.ID[:])
}

// RevocationIDOfUser returns the id of a user.
func RevocationIDOfUser(of auth.SubjectID) RevocationID { return revocationID("user", of, nil) }

// revocationID hashes the length of the subject before the subject, so that different inputs never
// hash the same bytes.
func revocationID(kind string, of auth.SubjectID, rest []byte) RevocationID {
	text := append(make([]byte, 0, 160), "edgeauth revocation of a "...) // every request to an authorizer runs this
	text = append(append(text, kind...), 0)
	text = binary.BigEndian.AppendUint32(text, uint32(len(of)))
	text = append(append(text, of...), rest...)
	sum := sha256.Sum256(text)
	return RevocationID(sum[:len(RevocationID{})])
}
