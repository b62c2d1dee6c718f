package endpoint

import (
	"net/http"

	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/login"
)

// changeRequest is a parsed request to change a password.
type changeRequest struct {
	device
	delivery                    delivery
	current, next, change, code auth.Secret
	clientID                    string
}

func (h accountHandler) read(r *http.Request) (x changeRequest, err error) {
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
	if x.delivery, err = readDelivery(in); err != nil {
		return x, err
	}
	x.device, err = h.readDevice(r, in)
	return x, err
}

func (h accountHandler) change(r *http.Request) (o opened, err error) {
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
	o.done = true
	err = h.begin(r, h.Sessions, client, h.Login, &o)
	return o, err
}

// prove changes the password if the request has a valid proof, and returns the client of the new
// session.
func (h accountHandler) prove(r *http.Request, x changeRequest, o *opened) (client auth.Client, err error) {
	if x.change.Reveal() != "" {
		if client, err = h.Clients.find(x.clientID); err == nil {
			o.delivery, err = h.deliver(r, client, x.delivery)
		}
		if err == nil {
			o.Result, err = h.Login.RedeemChange(r.Context(), x.change, x.next)
		}
		return client, err
	}
	s, client, err := h.session(r, x.clientID, x.delivery)
	o.delivery.way, o.delivery.remember = s.Delivery, s.Remember
	o.asked = s.Key
	if err != nil {
		return client, err
	}
	o.Result, err = h.Login.ChangePassword(r.Context(), s.Subject, login.Credentials{
		Password: x.current, Address: h.cdn.address(r), Device: x.token, OneTimeCode: x.code,
	}, x.next)
	return client, wrongPassword(err)
}
