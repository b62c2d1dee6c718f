package importer

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/user"
)

// firebaseUser is a user in a file written by "firebase auth:export users.json".
type firebaseUser struct {
	LocalID          auth.SubjectID `json:"localId"`
	Email            string         `json:"email"`
	EmailVerified    bool           `json:"emailVerified"`
	PasswordHash     string         `json:"passwordHash"`
	Salt             string         `json:"salt"`
	CreatedAt        string         `json:"createdAt"` // milliseconds since 1970
	Disabled         bool           `json:"disabled"`
	CustomAttributes string         `json:"customAttributes"` // JSON: custom claims
	Providers        []struct {
		ID string `json:"providerId"`
	} `json:"providerUserInfo"`
	Factors []json.RawMessage `json:"mfaInfo"` // only in an export by the Admin SDK
}

const (
	noteFactor   Note = "have a second factor, which is not imported"
	noteProvider Note = "have another way to log in, as Google or a phone number, which is not imported"
	noteNoHash   Note = "have no password hash, and cannot log in until edgeauth user passwd sets a password"
)

// notes returns the parts of u that an import leaves out.
func (u firebaseUser) notes() (notes []Note) {
	if len(u.Factors) > 0 {
		notes = append(notes, noteFactor)
	}
	for _, p := range u.Providers {
		if p.ID != "password" {
			notes = append(notes, noteProvider)
			break
		}
	}
	if u.PasswordHash == "" {
		notes = append(notes, noteNoHash)
	}
	return notes
}

var errFirebase = errors.New("not a JSON export of Firebase Authentication")

// readFirebase reads {"users":[...]} one user at a time. The hashes need the project's parameters,
// which the file does not contain.
func readFirebase(r io.Reader, p Parameters) Records {
	return func(yield func(Record, error) bool) {
		prefix, err := firebaseParameters(p.Firebase)
		d := json.NewDecoder(r)
		for _, want := range []json.Token{json.Delim('{'), "users", json.Delim('[')} {
			if got, tokenErr := d.Token(); err == nil && (tokenErr != nil || got != want) {
				err = errFirebase
			}
		}
		for at := 1; err == nil && d.More(); at++ {
			var raw json.RawMessage
			if err = d.Decode(&raw); err != nil {
				break
			}
			one := Record{At: Place{"user", at}}
			if one.Err = errLong; len(raw) <= maxRecord {
				one.User, one.Notes, one.Err = parseFirebase(raw, prefix)
			}
			if !yield(one, nil) {
				return
			}
		}
		if err == nil {
			if end, tokenErr := d.Token(); tokenErr != nil || end != json.Delim(']') {
				err = errFirebase
			}
		}
		if err != nil {
			// Errors of the decoder may repeat a part of the file.
			if errors.As(err, new(*json.SyntaxError)) || errors.Is(err, io.ErrUnexpectedEOF) {
				err = errFirebase
			}
			yield(Record{}, err)
		}
	}
}

func parseFirebase(raw []byte, prefix string) (user.User, []Note, error) {
	var u firebaseUser
	if json.Unmarshal(raw, &u) != nil {
		return user.User{}, nil, errors.New("not a user of a Firebase export")
	}
	r := record{Subject: u.LocalID, Email: u.Email, Verified: u.EmailVerified, Disabled: u.Disabled}
	if u.PasswordHash != "" {
		r.PasswordHash = prefix + standard(u.Salt) + "$" + standard(u.PasswordHash)
	}
	if u.CustomAttributes != "" && json.Unmarshal([]byte(u.CustomAttributes), &r.Claims) != nil {
		return user.User{}, nil, errors.New(`"customAttributes" must be a JSON object in a string`)
	}
	if u.CreatedAt != "" {
		ms, err := strconv.ParseInt(u.CreatedAt, 10, 64)
		if err != nil {
			return user.User{}, nil, errors.New(`"createdAt" must be milliseconds since 1970 in a string`)
		}
		r.CreatedAt = time.UnixMilli(ms)
	}
	one, err := r.user(false)
	return one, u.notes(), err
}

// standard converts URL-safe base64, which older exports contain, to standard base64.
func standard(text string) string { return strings.NewReplacer("-", "+", "_", "/").Replace(text) }

// firebaseParameters reads the project's hash_config. It returns the part of a stored hash that
// precedes a user's salt and hash; see firebase.go in package password.
func firebaseParameters(config string) (prefix string, err error) {
	value := func(name string) string {
		match := regexp.MustCompile(`\b` + name + `:\s*([\w+/=-]+)`).FindStringSubmatch(config)
		if match == nil {
			err = fmt.Errorf("the Firebase hash parameters lack %s (want the hash_config that the Firebase console shows)", name)
			return ""
		}
		return match[1]
	}
	rounds, cost := value("rounds"), value("mem_cost")
	separator, signer := standard(value("base64_salt_separator")), standard(value("base64_signer_key"))
	return "$firebase-scrypt$rounds=" + rounds + ",mem_cost=" + cost + "$" + separator + "$" + signer + "$", err
}
