package endpoint

import (
	"net/http"

	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/login"
)

// device is the known-device token of a request, and how to deliver a new token.
type device struct {
	token    auth.Secret
	asCookie bool
}

// readDevice returns the token of the body, or else of the cookie. A request that carries the
// cookie or asks for it must come from the API's own origin or a configured origin. Otherwise a
// page of an attacker could log its visitor in to the attacker's account.
func (x *Responder) readDevice(r *http.Request, in input) (device, error) {
	var token, delivery string
	if err := in.texts(map[string]*string{"device_token": &token, "device_delivery": &delivery}); err != nil {
		return device{}, err
	}
	if delivery != "" && delivery != "body" && delivery != "cookie" {
		return device{}, invalidRequest("device_delivery must be body or cookie")
	}
	cookies := deviceCookie.values(r)
	if (len(cookies) > 0 || delivery == "cookie") && !x.pages.ours(r) {
		return device{}, foreignPage("sends or requests the device cookie")
	}
	if token == "" && len(cookies) == 1 {
		token = cookies[0]
	}
	return device{token: auth.NewSecret(token), asCookie: delivery == "cookie"}, nil
}

// deliver puts a new token into a cookie if the client asked for one. Otherwise it returns the
// token for the body.
func (d device) deliver(w http.ResponseWriter, token auth.Secret) (forBody auth.Secret) {
	if !d.asCookie || token.Reveal() == "" {
		return token
	}
	deviceCookie.set(w, token, login.DeviceLifetime)
	return auth.Secret{}
}
