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
	Login(ctx context.Context, c login.Credentials) (user.User, error)
}

// Login answers POST /auth/login: an e-mail and a password against a new session. It is a first-party login, not the
// password grant of OAuth, which RFC 9700, section 2.4, forbids.
func Login(x *Responder, who Authenticator, sessions *session.Manager, clients Clients) http.Handler {
	h := loginHandler{x, who, sessions, clients}
	return only(http.MethodPost, loginPath, func(w http.ResponseWriter, r *http.Request) {
		g, err := h.open(r)
		if err == nil {
			err = x.Grant(w, r, g, nil)
		}
		if err != nil {
			problemOf(err).write(w, false)
		}
		h.log(r, g, err)
	})
}

type loginHandler struct {
	*Responder
	who      Authenticator
	sessions *session.Manager
	clients  Clients
}

func (h loginHandler) open(r *http.Request) (session.Granted, error) {
	in, err := read(r, jsonType)
	if err != nil {
		return session.Granted{}, err
	}
	var email, password, clientID, delivery string
	if err := in.texts(map[string]*string{
		"email": &email, "password": &password, "client_id": &clientID, "delivery": &delivery,
	}); err != nil {
		return session.Granted{}, err
	}
	if email == "" || password == "" {
		return session.Granted{}, invalidRequest("email and password are required")
	}
	// Somebody who asks for a cookie must not be handed a token that scripts can read.
	if delivery != "" && delivery != "body" {
		return session.Granted{}, invalidRequest("delivery must be body")
	}
	client, err := h.clients.find(clientID)
	if err != nil {
		return session.Granted{}, err
	}
	if err := h.issuer.Ready(r.Context()); err != nil {
		return session.Granted{}, err
	}
	u, err := h.who.Login(r.Context(), login.Credentials{Email: email, Password: auth.NewSecret(password), Address: address(r)})
	if err != nil {
		return session.Granted{}, err
	}
	return h.sessions.Open(r.Context(), session.Opening{
		Subject: u.Subject(), Client: client, AuthTime: h.now(), UserAgent: userAgent(r), Address: addressText(r),
	})
}

func (h loginHandler) log(r *http.Request, g session.Granted, err error) {
	event := audit.Event{Name: audit.LoginSuccess, RequestID: requestID(r), SubjectID: g.Session.Subject, ClientID: g.Session.Client}
	if g.Session.ID != (session.ID{}) {
		event.SessionID = g.Session.ID.String()
	}
	if err != nil {
		event.Name = audit.LoginFail
		p := problemOf(err)
		event.Outcome = p.code
		var refusal *login.Refusal
		if errors.As(err, &refusal) {
			event.Reason, event.SubjectID = string(refusal.Reason), refusal.Subject
		}
		if p.fault() {
			event.Fault = err
		}
	}
	h.audit.Write(r.Context(), event)
}
