package endpoint

import (
	"context"
	"errors"
	"net/http"

	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/audit"
	"github.com/edgeauth/edgeauth/pkg/auth/login"
	"github.com/edgeauth/edgeauth/pkg/auth/session"
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
			err = x.grant(w, r, o.Granted, nil, o.device)
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

// opened is a login that came through.
type opened struct {
	session.Granted
	login.Result
	device auth.Secret // a known-device token for the client to keep; empty where it keeps the one it has
}

func (h loginHandler) open(r *http.Request) (o opened, err error) {
	in, err := read(r, jsonType)
	if err != nil {
		return o, err
	}
	var email, password, clientID, delivery, device string
	if err := in.texts(map[string]*string{
		"email": &email, "password": &password, "client_id": &clientID, "delivery": &delivery, "device_token": &device,
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
	client, err := h.clients.find(clientID)
	if err != nil {
		return o, err
	}
	if err := h.issuer.Ready(r.Context()); err != nil {
		return o, err
	}
	o.Result, err = h.who.Login(r.Context(), login.Credentials{
		Email: email, Password: auth.NewSecret(password), Address: address(r), Device: auth.NewSecret(device),
	})
	if err != nil {
		return o, err
	}
	if o.NewDevice {
		if o.device, err = h.who.Device(r.Context(), o.User); err != nil {
			return o, err
		}
	}
	o.Granted, err = h.sessions.Open(r.Context(), session.Opening{
		Subject: o.User.Subject(), Client: client, AuthTime: h.now(), UserAgent: userAgent(r), Address: addressText(r),
	})
	return o, err
}

func (h loginHandler) log(r *http.Request, o opened, err error) {
	g := o.Granted
	event := audit.Event{
		Name: audit.LoginSuccess, RequestID: requestID(r), SubjectID: g.Session.Subject, ClientID: g.Session.Client,
		Account: o.Reference, Fault: o.UpgradeErr,
	}
	if g.Session.ID != (session.ID{}) {
		event.SessionID = g.Session.ID.String()
	}
	if err != nil {
		event.Name = audit.LoginFail
		p := problemOf(err)
		event.Outcome = p.code
		var refusal *login.Refusal
		if errors.As(err, &refusal) {
			event.Reason, event.SubjectID, event.Account = string(refusal.Reason), refusal.Subject, refusal.Reference
		}
		if p.fault() {
			event.Fault = err
		}
	}
	h.audit.Write(r.Context(), event)
}
