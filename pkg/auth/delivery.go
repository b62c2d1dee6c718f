package auth

import "fmt"

// Delivery says how the tokens of a session reach its client. It is fixed when the session is
// opened. The zero Delivery is DeliveryBody.
type Delivery uint8

const (
	// DeliveryBody sends both tokens in the body of an answer.
	DeliveryBody Delivery = iota
	// DeliveryCookie sends the refresh token in a cookie that no script can read, and the access
	// token in the body.
	DeliveryCookie
	// DeliveryCookies sends both tokens in cookies that no script can read.
	DeliveryCookies
	// DeliverySession sends one opaque session token in a cookie, and no access token at all.
	DeliverySession
)

// deliveryNames are the words of requests, of the configuration and of stored items. They never
// change.
var deliveryNames = [...]string{
	DeliveryBody: "body", DeliveryCookie: "cookie", DeliveryCookies: "cookies", DeliverySession: "session",
}

// String returns the word of the delivery, or its number if it is unknown.
func (d Delivery) String() string {
	if d.Valid() {
		return deliveryNames[d]
	}
	return fmt.Sprintf("delivery(%d)", uint8(d))
}

// Valid reports whether d is one of the deliveries above.
func (d Delivery) Valid() bool { return int(d) < len(deliveryNames) }

// ByCookie reports whether a cookie continues the session. If it does, no response body ever
// contains the token of that cookie, because a script could read it there.
func (d Delivery) ByCookie() bool { return d != DeliveryBody }

// ParseDelivery returns the delivery with the given word. The error names the accepted words.
func ParseDelivery(word string) (Delivery, error) {
	for d, name := range deliveryNames {
		if name == word {
			return Delivery(d), nil
		}
	}
	return 0, fmt.Errorf("unknown delivery %q (want body, cookie, cookies or session)", word)
}
