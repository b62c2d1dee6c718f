package endpoint

import (
	"errors"
	"net/http"

	"github.com/edgeauth/edgeauth/internal/audit"
	"github.com/edgeauth/edgeauth/internal/bearer"
	"github.com/edgeauth/edgeauth/internal/errorcode"
	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/session"
	"github.com/edgeauth/edgeauth/pkg/auth/token"
)

// callers identifies the caller of the account function or the sessions function. Their routes have
// no authorizer in front, because a gateway's authorizer for the header Authorization refuses a
// request whose access token is in a cookie.
type callers struct {
	access   *token.Verifier
	sessions *session.Manager
	pages    pages
	audit    *audit.Log
}

// find returns the current session of the request's access token and its user, read from the store.
// An access token is valid for minutes after its session has ended: a stolen access token must not
// be able to change the password or to end other sessions.
func (c callers) find(r *http.Request) (s session.Session, of auth.Subject, err error) {
	opaque, err := c.pages.token(r, sessionCookie)
	if err != nil {
		return s, of, err
	}
	if opaque.Reveal() != "" {
		return c.findOpaque(r, opaque)
	}
	text, err := c.accessToken(r)
	if err != nil {
		return s, of, err
	}
	claims, err := c.access.Verify(r.Context(), text)
	if err != nil {
		if token.ReasonOf(err) != "" {
			err = invalidToken(err)
		}
		return s, of, err
	}
	id, err := session.ParseID(claims.SessionID)
	if err != nil {
		return s, of, invalidToken(err)
	}
	key := session.Key{Subject: claims.Subject, ID: id}
	s, of, err = c.sessions.Check(r.Context(), key)
	if err == nil && claims.TokenVersion.Below(of.TokenVersion) {
		err = &session.Refusal{Outcome: session.OutcomeSubjectSuperseded, Session: key, Client: s.Client}
	}
	if errors.Is(err, session.ErrEnded) {
		err = invalidToken(err)
	}
	return s, of, err
}

// findOpaque returns the session of the session cookie and its user. It refuses a request that also
// has an access token: an attacker who can add a token must not decide which one counts.
func (c callers) findOpaque(r *http.Request, text auth.Secret) (session.Session, auth.Subject, error) {
	if len(r.Header.Values("Authorization")) > 0 || len(accessCookie.values(r)) > 0 {
		return session.Session{}, auth.Subject{}, invalidRequest("the request has the cookie %s and an access token; send one of them", sessionCookie.name)
	}
	checked, err := c.sessions.CheckOpaque(r.Context(), text)
	if errors.Is(err, session.ErrEnded) {
		err = invalidToken(err)
	}
	logReplaced(c.audit, r, checked.Ended, checked.Session.Client)
	return checked.Session, checked.Subject, err
}

// accessToken returns the access token of a request, from the header Authorization or the cookie.
// It refuses two different tokens: an attacker who can add a token must not decide which one
// counts.
func (c callers) accessToken(r *http.Request) (string, error) {
	cookie, err := c.pages.token(r, accessCookie)
	if err != nil {
		return "", err
	}
	values := r.Header.Values("Authorization")
	switch {
	case len(values) == 0 && cookie.Reveal() == "":
		// RFC 6750, section 3.1: no error code for a request without a token.
		return "", &problem{status: http.StatusUnauthorized, code: errorcode.InvalidToken, challenge: "Bearer",
			description: "an access token is required"}
	case len(values) == 0:
		return cookie.Reveal(), nil
	}
	text, problem := bearer.Parse([]byte(values[0]))
	switch {
	case len(values) > 1 || problem != "":
		return "", invalidToken(errors.New("want exactly one Authorization header with one bearer token"))
	case cookie.Reveal() != "" && cookie.Reveal() != string(text):
		return "", invalidRequest("the header Authorization and the cookie %s have different access tokens; send one of them", accessCookie.name)
	}
	return string(text), nil
}

// invalidToken returns the error of RFC 6750, section 3.1.
func invalidToken(cause error) *problem {
	return &problem{status: http.StatusUnauthorized, code: errorcode.InvalidToken, challenge: `Bearer error="invalid_token"`,
		description: "the access token is not valid, or its session has ended", cause: cause}
}
