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

// Account returns the handler of the account function. POST /auth/password sets a new password,
// ends every session of the user and opens a new session.
//
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
// The handler checks path and method itself: another path is 404, another method 405.
func Account(x *Responder, who *login.Authenticator, access *token.Verifier, sessions *session.Manager, clients Clients) (http.Handler, error) {
	h := passwordHandler{x, who, access, sessions, clients}
	return router.New("account", router.Handlers{
		"POST /auth/password": x.opens(audit.PasswordChange, audit.PasswordChangeFail, h.change),
	})
}

type passwordHandler struct {
	*Responder
	who      *login.Authenticator
	access   *token.Verifier
	sessions *session.Manager
	clients  Clients
}

// changeRequest is a parsed request to change a password.
type changeRequest struct {
	device
	current, next, change, code auth.Secret
	clientID                    string
}

func (h passwordHandler) read(r *http.Request) (x changeRequest, err error) {
	in, err := read(r, jsonType)
	if err != nil {
		return x, err
	}
	var current, next, change, code string
	if err := in.texts(map[string]*string{
		"current_password": &current, "new_password": &next, "change_token": &change, "client_id": &x.clientID, "one_time_code": &code,
	}); err != nil {
		return x, err
	}
	if next == "" || (current == "") == (change == "") {
		return x, invalidRequest("new_password is required, and either current_password or change_token")
	}
	x.current, x.next, x.change, x.code = auth.NewSecret(current), auth.NewSecret(next), auth.NewSecret(change), auth.NewSecret(code)
	x.device, err = h.readDevice(r, in)
	return x, err
}

func (h passwordHandler) change(r *http.Request) (o opened, err error) {
	changeRequest, err := h.read(r)
	if err != nil {
		return o, err
	}
	o.device = changeRequest.device
	// Check before the write: a new password without a new session would look like a failure.
	if err := h.issuer.Ready(r.Context()); err != nil {
		return o, err
	}
	client, err := h.prove(r, changeRequest, &o)
	if err != nil {
		return o, err
	}
	o.ended = true
	err = h.begin(r, h.sessions, client, h.who, &o)
	return o, err
}

// prove changes the password if the request has a valid proof, and returns the client of the new
// session.
func (h passwordHandler) prove(r *http.Request, x changeRequest, o *opened) (client auth.Client, err error) {
	if x.change.Reveal() != "" {
		if client, err = h.clients.find(x.clientID); err == nil {
			o.Result, err = h.who.RedeemChange(r.Context(), x.change, x.next)
		}
		return client, err
	}
	s, err := h.session(r)
	o.asked = s.Key
	if err != nil {
		return client, err
	}
	if x.clientID != "" && x.clientID != string(s.Client) {
		return client, invalidRequest("client_id must be the session's, or absent")
	}
	client, ok := h.clients[s.Client]
	if !ok {
		return client, session.ErrUnknownClient
	}
	o.Result, err = h.who.ChangePassword(r.Context(), s.Subject, login.Credentials{
		Password: x.current, Address: address(r), Device: x.token, OneTimeCode: x.code,
	}, x.next)
	if errors.Is(err, login.ErrInvalidCredentials) && !errors.Is(err, login.ErrThrottled) {
		// The status is not 401, which would mean the access token: the client would refresh and
		// send the wrong password again.
		err = &problem{status: http.StatusForbidden, code: errorcode.InvalidCredentials, cause: err}
	}
	return client, err
}

// session returns the session of the request's access token from the store. A stolen access token
// that outlives its session must not be able to change the password.
func (h passwordHandler) session(r *http.Request) (session.Session, error) {
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
	s, _, err := h.sessions.Check(r.Context(), session.Key{Subject: claims.Subject, ID: id})
	if errors.Is(err, session.ErrEnded) {
		err = invalidToken(err)
	}
	return s, err
}

// accessToken returns the access token of a request.
func accessToken(r *http.Request) (string, error) {
	values := r.Header.Values("Authorization")
	if len(values) == 0 {
		// RFC 6750, section 3.1: no error code for a request without a token.
		return "", &problem{status: http.StatusUnauthorized, code: errorcode.InvalidToken, challenge: "Bearer",
			description: "an access token is required, or a change_token"}
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
