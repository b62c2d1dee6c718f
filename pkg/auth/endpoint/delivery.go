package endpoint

import (
	"net/http"
	"slices"
	"strings"

	"github.com/edgeauth/edgeauth/pkg/auth"
)

// delivery is how a request that opens a session asks for its tokens.
type delivery struct {
	asked    bool // the request names a delivery
	way      auth.Delivery
	remember bool
}

// readDelivery returns the delivery in the body of a request, and whether its cookies outlive the
// browser session.
func readDelivery(in input) (d delivery, err error) {
	if d, err = readWay(in); err == nil {
		d.remember, err = in.flag("remember", true)
	}
	return d, err
}

// readWay returns the delivery in the body of a request.
func readWay(in input) (d delivery, err error) {
	word, err := in.text("delivery")
	if err != nil {
		return d, err
	}
	if d.asked = word != ""; d.asked {
		if d.way, err = auth.ParseDelivery(word); err != nil {
			return d, invalidRequest("delivery must be body, cookie, cookies or session")
		}
	}
	return d, nil
}

// flag returns a boolean parameter. If the parameter is absent, flag returns otherwise.
func (in input) flag(name string, otherwise bool) (bool, error) {
	raw, given := in.object[name]
	switch {
	case !given || string(raw) == "null":
		return otherwise, nil
	case string(raw) == "true" || string(raw) == "false":
		return string(raw) == "true", nil
	}
	return false, invalidRequest("%s must be true or false", name)
}

// deliver returns how the tokens of a session that r opens for the client are sent. If they are
// sent in cookies, r must come from one of our pages: otherwise a page of an attacker could log its
// visitor in to the attacker's account.
func (x *Responder) deliver(r *http.Request, client auth.Client, d delivery) (delivery, error) {
	allowed := client.Delivery
	if len(allowed) == 0 && len(client.ReauthOn) > 0 {
		// No refresh continues an opaque session, so no request would ask for the login.
		allowed = []auth.Delivery{auth.DeliveryBody, auth.DeliveryCookie, auth.DeliveryCookies}
	}
	if !d.asked && len(allowed) > 0 {
		d.way = allowed[0]
	}
	if len(allowed) > 0 && !slices.Contains(allowed, d.way) {
		return d, invalidRequest("delivery must be %s for this client", either(allowed))
	}
	if d.way.ByCookie() && !x.pages.ours(r) {
		return d, foreignPage("asks for tokens in cookies")
	}
	return d, nil
}

// either returns the words of the deliveries, as in "body, cookie or cookies".
func either(all []auth.Delivery) string {
	words := make([]string, len(all))
	for i, d := range all {
		words[i] = d.String()
	}
	last := len(words) - 1
	if last == 0 {
		return words[0]
	}
	return strings.Join(words[:last], ", ") + " or " + words[last]
}
