package main

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"

	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/endpoint"
	"github.com/edgeauth/edgeauth/pkg/auth/login"
	"github.com/edgeauth/edgeauth/pkg/auth/session"
	"github.com/edgeauth/edgeauth/pkg/auth/throttle"
	"github.com/edgeauth/edgeauth/pkg/auth/user"
)

// Login answers POST /auth/oidc, whose body is {"id_token": "..."}. A user who has just logged in
// at the provider gets a session of edgeauth. One ID token opens one session.
type Login struct {
	Provider  *oidc.IDTokenVerifier
	ClientID  string // this service's client id at the provider
	Once      throttle.Once
	Users     user.Store
	Sessions  *session.Manager
	Responder *endpoint.Responder
	Client    auth.Client
	Now       func() time.Time
}

// maxAge is the greatest age of an ID token. An ID token is a bearer token, so it must be fresh.
// leeway is the greatest difference between the clocks of the provider and of this service.
const (
	maxAge = 5 * time.Minute
	leeway = time.Minute
)

// The answers to clients. A bad ID token gets 401 invalid_credentials. Any other error is a
// fault of this service or of the provider, and the answer is 503 without detail.
var (
	errEmail = &login.Denial{Code: "email_not_verified", Description: "the provider has not verified the e-mail address"}
	errTaken = &login.Denial{Code: "email_taken", Description: "the e-mail address belongs to another account"}
	errUsed  = &login.Denial{Code: "id_token_used", Description: "the ID token was used before; log in at the provider again"}

	errNoClient = errors.New("OIDC_CLIENT_ID is empty (want this service's client id at the provider)")
)

// refused says that an ID token is missing, too old or not for this service, or that its user is
// disabled. The subject is for the audit log; it is empty if the token proves no subject.
func refused(reason login.Reason, subject auth.SubjectID) error {
	return &login.Refusal{Reason: reason, Subject: subject}
}

func (l *Login) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	l.Responder.Opens(l.Sessions, l.prove).ServeHTTP(w, r)
}

// prove returns the user who has just logged in at the provider.
func (l *Login) prove(r *http.Request) (endpoint.Proven, error) {
	var body struct {
		IDToken string `json:"id_token"`
	}
	if err := json.NewDecoder(io.LimitReader(r.Body, 16<<10)).Decode(&body); err != nil {
		return endpoint.Proven{}, refused(login.ReasonUnknown, "")
	}
	id, err := l.verify(r.Context(), body.IDToken)
	if err != nil {
		return endpoint.Proven{}, err
	}
	if err := l.spend(r.Context(), id); err != nil {
		return endpoint.Proven{}, err
	}
	u, err := l.account(r.Context(), id)
	if err != nil {
		return endpoint.Proven{}, err
	}
	return endpoint.Proven{Subject: u.Subject(), Client: l.Client, AuthTime: id.authTime, Account: string(id.subject)}, nil
}

// identity is the provider's statement about a user.
type identity struct {
	subject  auth.SubjectID
	email    string
	authTime time.Time // when the user authenticated, which may be long before the ID token
	payload  string    // the bytes that the provider signed as the token's content
	until    time.Time // verify refuses the token from then on
}

// verify checks an ID token (OpenID Connect Core, section 3.1.3.7). go-oidc checks signature,
// issuer, audience and expiry; verify checks the authorized party, the age and the e-mail.
func (l *Login) verify(ctx context.Context, text string) (identity, error) {
	token, err := l.Provider.Verify(ctx, text)
	if err != nil {
		return identity{}, refused(login.ReasonUnknown, "") // also if the provider's keys cannot be fetched
	}
	var claims struct {
		Email         string `json:"email"`
		EmailVerified bool   `json:"email_verified"`
		Party         string `json:"azp"`
		AuthTime      int64  `json:"auth_time"`
	}
	if err := token.Claims(&claims); err != nil || !l.isFor(token, claims.Party) || token.IssuedAt.After(l.Now().Add(leeway)) || l.Now().Sub(token.IssuedAt) > maxAge {
		return identity{}, refused(login.ReasonUnknown, subjectOf(token))
	}
	if claims.Email == "" || !claims.EmailVerified {
		return identity{}, errEmail
	}
	// Without auth_time the proof may be of any age. The session then has the earliest time that a
	// store keeps, and rules with max_auth_age refuse it.
	_, encoded, _ := strings.Cut(text, ".")
	encoded, _, _ = strings.Cut(encoded, ".")
	payload, err := base64.RawURLEncoding.DecodeString(encoded)
	if err != nil {
		return identity{}, refused(login.ReasonUnknown, subjectOf(token))
	}
	return identity{
		subject: subjectOf(token), email: claims.Email, authTime: time.Unix(max(1, claims.AuthTime), 0),
		payload: string(payload), until: token.IssuedAt.Add(maxAge + leeway),
	}, nil
}

// spend makes the ID token useless for another login: a stolen or logged ID token must not open a
// second session. (OpenID Connect Core, section 3.1.3.7, checks a nonce against replay. The nonce
// is in the token, so with it this API could not distinguish the owner from a thief.) spend comes
// before the account and the session: after a crash in between, the user logs in at the provider
// once more, and two sessions are never opened. If the store fails, no session is opened: 503.
//
// spend marks the signed payload and not the token's text: base64url and some signatures have
// several encodings, and each would count as another token.
func (l *Login) spend(ctx context.Context, id identity) error {
	fresh, err := l.Once.Spend(ctx, "id-token", id.payload, l.Now(), id.until)
	switch {
	case err != nil:
		return fmt.Errorf("%w: %w", auth.ErrUnavailable, err)
	case !fresh:
		used := *errUsed
		used.Subject = id.subject
		return &used
	}
	return nil
}

// isFor reports whether the token was issued to this client. Another client's token may have this
// client in its audience too; azp then names the other client.
func (l *Login) isFor(token *oidc.IDToken, party string) bool {
	return party == l.ClientID || party == "" && len(token.Audience) == 1
}

// subjectOf returns the subject of the account. It is a hash of the provider's issuer and sub: a
// sub is unique only at its provider, and an e-mail address can get another owner.
func subjectOf(token *oidc.IDToken) auth.SubjectID {
	sum := sha256.Sum256([]byte(token.Issuer + "\x00" + token.Subject))
	return auth.SubjectID(base64.RawURLEncoding.EncodeToString(sum[:]))
}

// account returns the user, and creates a user without a password at the first login. If another
// account already has the e-mail address, the login is refused until the owner of that account
// links the two: the provider's statement alone must not open it.
func (l *Login) account(ctx context.Context, id identity) (user.User, error) {
	u, err := l.Users.Get(ctx, id.subject)
	if errors.Is(err, auth.ErrNotFound) {
		now := l.Now().UTC().Truncate(time.Millisecond)
		u = user.User{ID: id.subject, Email: id.email, Revision: 1, CreatedAt: now, UpdatedAt: now}
		err = l.Users.Create(ctx, u, string(id.subject)[:36])
		if errors.Is(err, user.ErrExists) { // the address is taken, or a concurrent first login was faster
			u, err = l.Users.Get(ctx, id.subject)
			if errors.Is(err, auth.ErrNotFound) {
				err = errTaken
			}
		}
	}
	switch {
	case errors.Is(err, user.ErrEmail):
		return user.User{}, errEmail
	case errors.Is(err, errTaken):
		return user.User{}, errTaken
	case err != nil:
		return user.User{}, fmt.Errorf("%w: %w", auth.ErrUnavailable, err)
	case u.Disabled:
		return user.User{}, refused(login.ReasonDisabled, u.ID)
	}
	return u, nil
}
