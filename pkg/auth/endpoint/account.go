package endpoint

import (
	"errors"
	"net/http"

	"github.com/edgeauth/edgeauth/internal/audit"
	"github.com/edgeauth/edgeauth/internal/bearer"
	"github.com/edgeauth/edgeauth/internal/errorcode"
	"github.com/edgeauth/edgeauth/internal/router"
	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/login"
	"github.com/edgeauth/edgeauth/pkg/auth/session"
	"github.com/edgeauth/edgeauth/pkg/auth/token"
)

// Account returns the handler of the account function.
//
// POST /auth/password sets a new password, ends every session of the user and opens a new session.
// The caller proves the right to do so in one of two ways: with the access token of an active
// session and the current password, or with the change_token of a login that was refused until the
// password is changed. The route has no authorizer, because a caller with a change_token has no
// access token.
//
// The body is JSON with these members, all strings:
//
//   - new_password is required.
//   - current_password or change_token is required, and not both. With current_password, the
//     request has the access token in the header Authorization.
//   - client_id names the client of the new session. With current_password it must be that of the
//     session, or absent; with change_token the default is [auth.DefaultClient].
//   - one_time_code, with current_password, is passed to the Steps of the Authenticator.
//   - device_token and device_delivery are those of [Login].
//
// POST /auth/reauth proves the password again, and opens a session with a new auth_time that takes
// the place of the one of the request's access token ([session.Manager.StepUp]). The body is JSON
// with the member password and the optional members client_id, one_time_code, device_token and
// device_delivery, as above.
//
// The handler checks path and method itself: another path is 404, another method 405.
func Account(x *Responder, who *login.Authenticator, access *token.Verifier, sessions *session.Manager, clients Clients) (http.Handler, error) {
	h := accountHandler{x, who, access, sessions, clients}
	return router.New("account", router.Handlers{
		"POST /auth/password": x.opens(audit.PasswordChange, audit.PasswordChangeFail, h.change),
		"POST /auth/reauth":   x.opens(audit.Reauthentication, audit.ReauthenticationFail, h.reauthenticate),
	})
}

type accountHandler struct {
	*Responder
	who      *login.Authenticator
	access   *token.Verifier
	sessions *session.Manager
	clients  Clients
}

// session returns the session of the request's access token from the store, and the session's
// client. clientID is the parameter client_id, or empty. A stolen access token that outlives its
// session must not be able to change the password.
func (h accountHandler) session(r *http.Request, clientID string) (s session.Session, client auth.Client, err error) {
	if s, err = h.liveSession(r); err != nil {
		return s, client, err
	}
	if clientID != "" && clientID != string(s.Client) {
		return s, client, invalidRequest("client_id must be the session's, or absent")
	}
	client, ok := h.clients[s.Client]
	if !ok {
		return s, client, session.ErrUnknownClient
	}
	return s, client, nil
}

func (h accountHandler) liveSession(r *http.Request) (session.Session, error) {
	text, err := accessToken(r)
	if err != nil {
		return session.Session{}, err
	}
	claims, err := h.access.Verify(r.Context(), text)
	if err != nil {
		if token.ReasonOf(err) != "" {
			err = invalidToken(err)
		}
		return session.Session{}, err
	}
	id, err := session.ParseID(claims.SessionID)
	if err != nil {
		return session.Session{}, invalidToken(err)
	}
	key := session.Key{Subject: claims.Subject, ID: id}
	s, u, err := h.sessions.Check(r.Context(), key)
	if err == nil && claims.TokenVersion.Below(u.TokenVersion) {
		err = &session.Refusal{Outcome: session.OutcomeSubjectSuperseded, Session: key, Client: s.Client}
	}
	if errors.Is(err, session.ErrEnded) {
		err = invalidToken(err)
	}
	return s, err
}

// wrongPassword returns err, or 403 if a password that the user proves again is wrong. The status
// is not 401, which would mean the access token: the client would refresh and send the wrong
// password again.
func wrongPassword(err error) error {
	if errors.Is(err, login.ErrInvalidCredentials) && !errors.Is(err, login.ErrThrottled) {
		return &problem{status: http.StatusForbidden, code: errorcode.InvalidCredentials, cause: err}
	}
	return err
}

// accessToken returns the access token of a request.
func accessToken(r *http.Request) (string, error) {
	values := r.Header.Values("Authorization")
	if len(values) == 0 {
		// RFC 6750, section 3.1: no error code for a request without a token.
		return "", &problem{status: http.StatusUnauthorized, code: errorcode.InvalidToken, challenge: "Bearer",
			description: "an access token is required"}
	}
	text, problem := bearer.Parse([]byte(values[0]))
	if len(values) > 1 || problem != "" {
		return "", invalidToken(errors.New("want exactly one Authorization header with one bearer token"))
	}
	return string(text), nil
}

// invalidToken returns the error of RFC 6750, section 3.1.
func invalidToken(cause error) *problem {
	return &problem{status: http.StatusUnauthorized, code: errorcode.InvalidToken, challenge: `Bearer error="invalid_token"`,
		description: "the access token is not valid, or its session has ended", cause: cause}
}
