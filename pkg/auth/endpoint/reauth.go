package endpoint

import (
	"errors"
	"net/http"

	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/login"
	"github.com/edgeauth/edgeauth/pkg/auth/session"
	"github.com/edgeauth/edgeauth/pkg/auth/user"
)

// reauthenticate proves the password of a session's user again, and opens the session that replaces
// it.
func (h accountHandler) reauthenticate(r *http.Request) (o opened, err error) {
	in, err := read(r, jsonType)
	if err != nil {
		return o, err
	}
	var password, clientID, code string
	if err := in.texts(map[string]*string{"password": &password, "client_id": &clientID, "one_time_code": &code}); err != nil {
		return o, err
	}
	if password == "" {
		return o, invalidRequest("password is required")
	}
	if o.delivery, err = readWay(in); err != nil {
		return o, err
	}
	if o.device, err = h.readDevice(r, in); err != nil {
		return o, err
	}
	if err := h.issuer.Ready(r.Context()); err != nil {
		return o, err
	}
	s, client, err := h.session(r, clientID, o.delivery)
	o.asked = s.Key
	if err != nil {
		return o, err
	}
	o.Result, err = h.Login.Reauthenticate(r.Context(), s.Subject, login.Credentials{
		Password: auth.NewSecret(password), Address: h.cdn.address(r), Device: o.token, OneTimeCode: auth.NewSecret(code),
	})
	switch {
	case errors.Is(err, login.ErrPasswordChangeRequired):
		return o, changeRequired(err, o.Result)
	case errors.Is(err, user.ErrSuperseded):
		return o, invalidToken(err) // erased since the session was read
	case err != nil:
		return o, wrongPassword(err)
	}
	if err := h.newDevice(r, h.Login, &o); err != nil {
		return o, err
	}
	o.delivery.way, o.delivery.remember = s.Delivery, s.Remember
	o.Granted, err = h.Sessions.StepUp(r.Context(), s.ID, h.opening(r, h.proven(client, o)))
	if errors.Is(err, session.ErrEnded) {
		err = invalidToken(err) // since it was read
	}
	return o, err
}
