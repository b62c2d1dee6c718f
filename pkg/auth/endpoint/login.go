package endpoint

import (
	"context"
	"errors"
	"net/http"

	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/audit"
	"github.com/edgeauth/edgeauth/pkg/auth/login"
	"github.com/edgeauth/edgeauth/pkg/auth/session"
	"github.com/edgeauth/edgeauth/pkg/auth/token"
	"github.com/edgeauth/edgeauth/pkg/auth/user"
)

// Authenticator decides who may open a session; login.Authenticator is one.
type Authenticator interface {
	Login(ctx context.Context, c login.Credentials) (login.Result, error)
	// Device returns a known-device token for a user who has just logged in.
	Device(ctx context.Context, u user.User) (auth.Secret, error)
}

// Login answers POST /auth/login: an e-mail and a password against a new session. It is a first-party login, not the
// password grant of OAuth, which RFC 9700, section 2.4, forbids.
func Login(x *Responder, who Authenticator, sessions *session.Manager, clients Clients) http.Handler {
	h := loginHandler{x, who, sessions, clients}
	return only(http.MethodPost, loginPath, func(w http.ResponseWriter, r *http.Request) {
		o, err := h.open(r)
		if err == nil {
			err = x.grant(w, r, o.Granted, nil, o.deliver(w, o.known))
		}
		if err != nil {
			problemOf(err).write(w, false)
		}
		h.log(r, o, err)
	})
}

type loginHandler struct {
	*Responder
	who      Authenticator
	sessions *session.Manager
	clients  Clients
}

// opened is a login that came through, and what is known of one that did not.
type opened struct {
	session.Granted
	login.Result
	device
	known auth.Secret // a known-device token for the client to keep; empty where it keeps the one it has
	asked session.Key // of the session that the request's access token names
}

func (h loginHandler) open(r *http.Request) (o opened, err error) {
	in, err := read(r, jsonType)
	if err != nil {
		return o, err
	}
	var email, password, clientID, delivery, code string
	if err := in.texts(map[string]*string{
		"email": &email, "password": &password, "client_id": &clientID, "delivery": &delivery, "one_time_code": &code,
	}); err != nil {
		return o, err
	}
	if email == "" || password == "" {
		return o, invalidRequest("email and password are required")
	}
	// Somebody who asks for a cookie must not be handed a token that scripts can read.
	if delivery != "" && delivery != "body" {
		return o, invalidRequest("delivery must be body")
	}
	if o.device, err = h.readDevice(r, in); err != nil {
		return o, err
	}
	client, err := h.clients.find(clientID)
	if err != nil {
		return o, err
	}
	if err := h.issuer.Ready(r.Context()); err != nil {
		return o, err
	}
	o.Result, err = h.who.Login(r.Context(), login.Credentials{
		Email: email, Password: auth.NewSecret(password), Address: address(r), Device: o.token, OneTimeCode: auth.NewSecret(code),
	})
	if errors.Is(err, login.ErrPasswordChangeRequired) {
		p := problemOf(err)
		p.changeToken = o.Change
		return o, p
	}
	if err != nil {
		return o, err
	}
	if o.NewDevice {
		if o.known, err = h.who.Device(r.Context(), o.User); err != nil {
			return o, err
		}
	}
	o.Granted, err = h.sessions.Open(r.Context(), session.Opening{
		Subject: o.User.Subject(), Client: client, AuthTime: h.now(), UserAgent: userAgent(r), Address: addressText(r),
	})
	return o, err
}

func (h loginHandler) log(r *http.Request, o opened, err error) {
	h.audit.Write(r.Context(), o.event(r, audit.LoginSuccess, audit.LoginFail, err))
}

// event returns the audit line of what opens a session: one name where it did, and the other where it did not.
func (o opened) event(r *http.Request, opened, failed audit.Name, err error) audit.Event {
	e := audit.Event{
		Name: opened, RequestID: requestID(r), SubjectID: o.asked.Subject, ClientID: o.Session.Client,
		Account: o.Reference, Fault: o.UpgradeErr,
	}
	key := o.Session.Key
	if key == (session.Key{}) {
		key = o.asked
	}
	if key != (session.Key{}) {
		e.SubjectID, e.SessionID = key.Subject, key.ID.String()
	}
	if err == nil {
		return e
	}
	p := problemOf(err)
	e.Name, e.Outcome = failed, p.code
	var (
		refusal *login.Refusal
		denial  *login.Denial
		over    *session.Refusal
	)
	switch {
	case errors.As(err, &refusal):
		e.Reason, e.SubjectID, e.Account = string(refusal.Reason), refusal.Subject, refusal.Reference
	case errors.As(err, &denial):
		e.Reason = string(login.ReasonDenied)
	case errors.As(err, &over):
		e.Reason, e.SubjectID, e.SessionID = string(over.Outcome), over.Session.Subject, over.Session.ID.String()
	default:
		e.Reason = string(token.ReasonOf(err))
	}
	if p.fault() {
		e.Fault = err
	}
	return e
}
