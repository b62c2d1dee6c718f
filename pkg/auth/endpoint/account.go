package endpoint

import (
	"errors"
	"fmt"
	"net/http"

	"github.com/edgeauth/edgeauth/internal/audit"
	"github.com/edgeauth/edgeauth/internal/errorcode"
	"github.com/edgeauth/edgeauth/internal/router"
	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/flow"
	"github.com/edgeauth/edgeauth/pkg/auth/login"
	"github.com/edgeauth/edgeauth/pkg/auth/session"
	"github.com/edgeauth/edgeauth/pkg/auth/token"
)

// Account returns the handler of the account function.
//
// POST /auth/password sets a new password, ends every session of the user and opens a new session.
// The caller proves the right to do so in one of two ways: with the current password and an active
// session, or with the change_token of a login that required a password change. The route has no
// authorizer, because a caller with a change_token has no access token.
//
// The body is JSON with these members, all strings except remember:
//
//   - new_password is required.
//   - current_password or change_token is required, and not both. With current_password, the
//     request must also have the access token, in the header Authorization or in its cookie, or the
//     cookie of an opaque session.
//   - client_id names the client of the new session. With current_password it must be the client of
//     the session, or absent. With change_token the default is [auth.DefaultClient].
//   - one_time_code, with current_password, is passed to the Steps of the Authenticator.
//   - device_token and device_delivery are the same as in [Login]. With change_token, delivery and
//     remember are also the same as in [Login]. With current_password, the new session keeps the
//     values of the old session.
//
// POST /auth/reauth proves the password again, and opens a session with a new auth_time that
// replaces the session of the request's access token ([session.Manager.StepUp]). The body is JSON
// with the member password and the optional members client_id, one_time_code, device_token,
// device_delivery and delivery, as above.
//
// POST /auth/code begins a flow and sends a code by mail. POST /auth/code/verify takes the code and
// opens a session: for a new account, for a login without the password, or after a reset of the
// password. The bodies are JSON with these members, all strings except remember:
//
//   - email and purpose ("signup", "login" or "reset") are required to get a code. client_id,
//     delivery, device_token and device_delivery are the same as in [Login], and invite is the
//     secret of an invitation. If the tokens are to be sent in cookies, the answer also sets the
//     flow's cookie.
//   - auth_session, from the answer to the first request, and code are required to verify. With the
//     flow's cookie, reference replaces auth_session. new_password is required for a reset,
//     optional for a sign-up, and refused for a login. The optional members are the same as in
//     [Login].
//
// The handler checks path and method itself: another path is 404, another method 405.
func Account(c AccountConfig) (http.Handler, error) {
	if err := c.check(); err != nil {
		return nil, err
	}
	h := accountHandler{c.Responder, c, callers{c.Access, c.Sessions, c.Responder.pages, c.Responder.audit}}
	return router.New("account", router.Handlers{
		"POST /auth/password":    h.opens(audit.PasswordChange, audit.PasswordChangeFail, h.change),
		"POST /auth/reauth":      h.opens(audit.Reauthentication, audit.ReauthenticationFail, h.reauthenticate),
		"POST /auth/code":        http.HandlerFunc(h.askForCode),
		"POST /auth/code/verify": h.opens(audit.LoginSuccess, audit.CodeFail, h.verifyCode),
	})
}

// AccountConfig holds the parts of the account function. All fields except Messages are required.
type AccountConfig struct {
	Responder *Responder
	Login     *login.Authenticator
	Access    *token.Verifier // verifies the access tokens that Responder issues
	Sessions  *session.Manager
	Clients   Clients
	Flows     *flow.Manager
	// Messages receives the mails with the codes of Flows. nil means that no mail is sent.
	Messages Messages
}

// check returns an error that names the first missing field.
func (c AccountConfig) check() error {
	for _, field := range []struct {
		name    string
		missing bool
	}{
		{"Responder", c.Responder == nil}, {"Login", c.Login == nil}, {"Access", c.Access == nil}, {"Sessions", c.Sessions == nil},
		{"Clients", c.Clients == nil}, {"Flows", c.Flows == nil},
	} {
		if field.missing {
			return fmt.Errorf("endpoint: AccountConfig.%s is missing", field.name)
		}
	}
	return nil
}

type accountHandler struct {
	*Responder
	AccountConfig
	callers callers
}

// session returns the session of the request's access token from the store, and the session's
// client. clientID is the parameter client_id, or empty. d is the delivery that the request asks
// for; it must match the session's delivery, which never changes.
func (h accountHandler) session(r *http.Request, clientID string, d delivery) (s session.Session, client auth.Client, err error) {
	s, of, err := h.callers.find(r)
	if err != nil {
		return s, client, err
	}
	if clientID != "" && clientID != string(s.Client) {
		return s, client, invalidRequest("client_id must be the session's, or absent")
	}
	client, ok := h.Clients[s.Client]
	switch {
	case !ok:
		return s, client, session.ErrUnknownClient
	case d.asked && d.way != s.Delivery:
		return s, client, invalidRequest("delivery must be the session's, or absent")
	case s.Delivery.ByCookie() && !h.pages.ours(r):
		// The answer sets cookies. A page of an attacker, with the attacker's access token, must
		// not set them in its visitor's browser.
		return s, client, foreignPage("belongs to a session with tokens in cookies")
	}
	return s, client, h.issuable(r.Context(), session.Opening{Subject: of, Client: client, AuthTime: s.AuthTime, AMR: s.AMR, Delivery: s.Delivery})
}

// wrongPassword returns err, or 403 if the password of a user who is logged in is wrong. The status
// is not 401, which would refer to the access token: the client would refresh and send the wrong
// password again.
func wrongPassword(err error) error {
	if errors.Is(err, login.ErrInvalidCredentials) && !errors.Is(err, login.ErrThrottled) {
		return &problem{status: http.StatusForbidden, code: errorcode.InvalidCredentials, cause: err}
	}
	return err
}
