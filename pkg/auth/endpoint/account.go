package endpoint

import (
	"errors"
	"net/http"

	"github.com/edgeauth/edgeauth/internal/audit"
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
// session, in the header Authorization or the cookie, and the current password, or with the change_token of a login that was refused until the
// password is changed. The route has no authorizer, because a caller with a change_token has no
// access token.
//
// The body is JSON with these members, all strings but remember:
//
//   - new_password is required.
//   - current_password or change_token is required, and not both. With current_password, the
//     request has the access token in the header Authorization.
//   - client_id names the client of the new session. With current_password it must be that of the
//     session, or absent; with change_token the default is [auth.DefaultClient].
//   - one_time_code, with current_password, is passed to the Steps of the Authenticator.
//   - device_token and device_delivery are those of [Login]. So are delivery and remember with
//     change_token. Otherwise the new session has those of the old one.
//
// POST /auth/reauth proves the password again, and opens a session with a new auth_time that takes
// the place of the one of the request's access token ([session.Manager.StepUp]). The body is JSON
// with the member password and the optional members client_id, one_time_code, device_token,
// device_delivery and delivery, as above.
//
// The handler checks path and method itself: another path is 404, another method 405.
func Account(x *Responder, who *login.Authenticator, access *token.Verifier, sessions *session.Manager, clients Clients) (http.Handler, error) {
	h := accountHandler{x, who, callers{access, sessions, x.pages, x.audit}, sessions, clients}
	return router.New("account", router.Handlers{
		"POST /auth/password": x.opens(audit.PasswordChange, audit.PasswordChangeFail, h.change),
		"POST /auth/reauth":   x.opens(audit.Reauthentication, audit.ReauthenticationFail, h.reauthenticate),
	})
}

type accountHandler struct {
	*Responder
	who      *login.Authenticator
	callers  callers
	sessions *session.Manager
	clients  Clients
}

// session returns the session of the request's access token from the store, and the session's
// client. clientID is the parameter client_id, or empty. d is the delivery that the request asks for:
// that of the session never changes.
func (h accountHandler) session(r *http.Request, clientID string, d delivery) (s session.Session, client auth.Client, err error) {
	s, of, err := h.callers.find(r)
	if err != nil {
		return s, client, err
	}
	if clientID != "" && clientID != string(s.Client) {
		return s, client, invalidRequest("client_id must be the session's, or absent")
	}
	client, ok := h.clients[s.Client]
	switch {
	case !ok:
		return s, client, session.ErrUnknownClient
	case d.asked && d.way != s.Delivery:
		return s, client, invalidRequest("delivery must be the session's, or absent")
	case s.Delivery.ByCookie() && !h.pages.ours(r):
		// The answer sets cookies. A page of an attacker, with an access token of theirs, must not set
		// them for its visitor.
		return s, client, foreignPage("belongs to a session with tokens in cookies")
	}
	return s, client, h.issuable(r.Context(), session.Opening{Subject: of, Client: client, AuthTime: s.AuthTime, AMR: s.AMR, Delivery: s.Delivery})
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
