package endpoint

import (
	"net/http"
	"strings"

	"github.com/edgeauth/edgeauth/internal/crosssite"
	"github.com/edgeauth/edgeauth/internal/errorcode"
	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/login"
)

// deviceCookie holds a known-device token where no script can read it. The prefix keeps every other host, and every page
// without TLS, from writing it (RFC 6265bis, section 4.1.3.2).
const deviceCookie = "__Host-device"

// device is the known-device token of a request, and where the next one goes.
type device struct {
	token    auth.Secret
	asCookie bool
}

// readDevice returns the token of the body or else of the cookie. A request that carries our cookie, or asks for one, must come from
// our own pages, or from an origin on the list: a stranger's page could log its visitor in to the stranger's account.
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
			description: "a request with our cookie, or for one, must come from our own origin or from one that is configured"}
	}
	if token == "" && len(cookies) == 1 {
		token = cookies[0].Value
	}
	return device{token: auth.NewSecret(token), asCookie: delivery == "cookie"}, nil
}

// ours applies the cross-site rule. A header that came twice matches no origin.
func (x *Responder) ours(r *http.Request) bool {
	fetchSite := strings.Join(r.Header.Values(crosssite.FetchSiteHeader), ",")
	origin := strings.Join(r.Header.Values(crosssite.OriginHeader), ",")
	return crosssite.Allowed(fetchSite, origin, x.origins)
}

// deliver puts a new token where its client wants it, and returns what is left for the body.
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
