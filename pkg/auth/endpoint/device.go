package endpoint

import (
	"net/http"
	"strings"

	"github.com/edgeauth/edgeauth/internal/crosssite"
	"github.com/edgeauth/edgeauth/internal/errorcode"
	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/login"
)

// deviceCookie is the name of the cookie with the known-device token. No script can read the cookie.
// The prefix __Host- keeps other hosts, and pages without TLS, from setting it (draft-ietf-httpbis-rfc6265bis,
// section 4.1.3.2). With Http- behind it, browsers that know this longer prefix also keep scripts from
// setting it; other browsers treat the name as one with __Host-.
const deviceCookie = "__Host-Http-device"

// device is the known-device token of a request, and where to put a new one.
type device struct {
	token    auth.Secret
	asCookie bool
}

// readDevice returns the token of the body, or else of the cookie. A request that carries the
// cookie or asks for it must come from the API's own origin or a configured one. Otherwise a page
// of an attacker could log its visitor in to the attacker's account.
func (x *Responder) readDevice(r *http.Request, in input) (device, error) {
	var token, delivery string
	if err := in.texts(map[string]*string{"device_token": &token, "device_delivery": &delivery}); err != nil {
		return device{}, err
	}
	if delivery != "" && delivery != "body" && delivery != "cookie" {
		return device{}, invalidRequest("device_delivery must be body or cookie")
	}
	cookies := r.CookiesNamed(deviceCookie)
	if (len(cookies) > 0 || delivery == "cookie") && !x.ours(r) {
		return device{}, &problem{status: http.StatusForbidden, code: errorcode.OriginNotAllowed,
			description: "a request that sends or requests the device cookie must come from the API's own origin or a configured one"}
	}
	if token == "" && len(cookies) == 1 {
		token = cookies[0].Value
	}
	return device{token: auth.NewSecret(token), asCookie: delivery == "cookie"}, nil
}

// ours applies the cross-site rule. A repeated header matches no origin.
func (x *Responder) ours(r *http.Request) bool {
	fetchSite := strings.Join(r.Header.Values(crosssite.FetchSiteHeader), ",")
	origin := strings.Join(r.Header.Values(crosssite.OriginHeader), ",")
	return crosssite.Allowed(fetchSite, origin, x.origins)
}

// deliver puts a new token into a cookie if the client asked for one. Otherwise it returns the
// token for the body.
func (d device) deliver(w http.ResponseWriter, token auth.Secret) (forBody auth.Secret) {
	if !d.asCookie || token.Reveal() == "" {
		return token
	}
	http.SetCookie(w, &http.Cookie{
		Name: deviceCookie, Value: token.Reveal(), Path: "/", MaxAge: int(login.DeviceLifetime.Seconds()),
		Secure: true, HttpOnly: true, SameSite: http.SameSiteStrictMode,
	})
	return auth.Secret{}
}
