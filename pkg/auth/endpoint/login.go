package endpoint

import (
	"errors"
	"net/http"

	"github.com/edgeauth/edgeauth/internal/audit"
	"github.com/edgeauth/edgeauth/internal/router"
	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/login"
	"github.com/edgeauth/edgeauth/pkg/auth/session"
)

// Login returns the handler of the login function. POST /auth/login takes an e-mail and a password
// and opens a session. It is a first-party login. It is not the OAuth password grant, which RFC
// 9700, section 2.4, forbids.
//
// The body is JSON with these members, all strings except remember:
//
//   - email and password are required.
//   - client_id names the client; the default is [auth.DefaultClient].
//   - one_time_code is passed to the Steps of the Authenticator.
//   - device_token is a known-device token of an earlier login.
//   - device_delivery is "body", the default, or "cookie": how a new known-device token is sent.
//   - delivery is "body", "cookie", "cookies" or "session": how the tokens are sent. The
//     configuration of the client says which of them are allowed, and which is the default.
//   - remember is true, the default, or false. With false, the cookies end with the browser
//     session.
//
// The handler checks path and method itself: another path is 404, another method 405.
func Login(x *Responder, who *login.Authenticator, sessions *session.Manager, clients Clients) (http.Handler, error) {
	h := loginHandler{x, who, sessions, clients}
	return router.New("login", router.Handlers{
		"POST /auth/login": x.opens(audit.LoginSuccess, audit.LoginFail, h.open),
	})
}

type loginHandler struct {
	*Responder
	who      *login.Authenticator
	sessions *session.Manager
	clients  Clients
}

func (h loginHandler) open(r *http.Request) (o opened, err error) {
	in, err := read(r, jsonType)
	if err != nil {
		return o, err
	}
	var email, password, clientID, code string
	if err := in.texts(map[string]*string{
		"email": &email, "password": &password, "client_id": &clientID, "one_time_code": &code,
	}); err != nil {
		return o, err
	}
	if email == "" || password == "" {
		return o, invalidRequest("email and password are required")
	}
	if o.delivery, err = readDelivery(in); err != nil {
		return o, err
	}
	if o.device, err = h.readDevice(r, in); err != nil {
		return o, err
	}
	client, err := h.clients.find(clientID)
	if err != nil {
		return o, err
	}
	if o.delivery, err = h.deliver(r, client, o.delivery); err != nil {
		return o, err
	}
	if err := h.issuer.Ready(r.Context()); err != nil {
		return o, err
	}
	o.Result, err = h.who.Login(r.Context(), login.Credentials{
		Email: email, Password: auth.NewSecret(password), Address: h.cdn.address(r), Device: o.token, OneTimeCode: auth.NewSecret(code),
	})
	if errors.Is(err, login.ErrPasswordChangeRequired) {
		return o, changeRequired(err, o.Result)
	}
	if err != nil {
		return o, err
	}
	err = h.begin(r, h.sessions, client, h.who, &o)
	return o, err
}

// changeRequired returns the answer to a login that must change the password first.
func changeRequired(err error, r login.Result) *problem {
	p := problemOf(err)
	p.changeToken = r.Change
	return p
}
