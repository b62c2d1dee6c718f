package endpoint

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/edgeauth/edgeauth/internal/answer"
	"github.com/edgeauth/edgeauth/internal/audit"
	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/session"
	"github.com/edgeauth/edgeauth/pkg/auth/token"
)

// Responder answers with the tokens of an opened or refreshed session. A program with its own login
// serves [Responder.Opens]. Responder is safe for concurrent use.
type Responder struct {
	issuer *token.Issuer
	audit  *audit.Log
	now    func() time.Time
	pages  pages
	cdn    cdn
	// Optional members of the audit line of a login.
	logNetwork, logKnownDevice bool
}

// ResponderConfig holds the settings of a [Responder]. Only Issuer is required.
type ResponderConfig struct {
	Issuer *token.Issuer
	// Log receives one line of JSON for each request, in one call of Write. nil writes no log.
	Log io.Writer
	Now func() time.Time // the clock; nil means time.Now
	// Origins are the origins, besides the API's own, whose pages may send and receive cookies:
	// scheme, host and port, for example https://app.example.com.
	Origins []string
	// CDNSecretHashes are the SHA-256 of the secret that the CDN in front of the API sends in the
	// header X-Edgeauth-Cdn-Secret, and of its next secret, as 64 hexadecimal digits each. The
	// headers CloudFront-Viewer-Address, -Country, -Latitude and -Longitude are read only from
	// requests with the secret. The secret should be at least 128 random bits. Empty means no CDN.
	CDNSecretHashes []string
	// LogNetwork adds the beginning of the client's address to the audit line of a login: 24 bits
	// of IPv4, 48 of IPv6. It is personal data in many countries.
	LogNetwork bool
	// LogKnownDevice adds whether the client sent a valid known-device token to the audit line of a
	// login.
	LogKnownDevice bool
}

// NewResponder returns a Responder. The error names the missing or invalid field.
func NewResponder(c ResponderConfig) (*Responder, error) {
	if c.Issuer == nil {
		return nil, errors.New("endpoint: ResponderConfig.Issuer is missing")
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	ours, err := newPages(c.Origins)
	if err != nil {
		return nil, fmt.Errorf("endpoint: ResponderConfig.Origins: %w", err)
	}
	front, err := newCDN(c.CDNSecretHashes)
	if err != nil {
		return nil, fmt.Errorf("endpoint: ResponderConfig.CDNSecretHashes: %w", err)
	}
	return &Responder{
		issuer: c.Issuer, audit: audit.New(c.Log, c.Now), now: c.Now, pages: ours, cdn: front,
		logNetwork: c.LogNetwork, logKnownDevice: c.LogKnownDevice,
	}, nil
}

// tokens is the body of RFC 6749, section 5.1, with the lifetimes of the session. A token that a
// cookie carries is absent. If neither body nor cookie has a refresh token, the client keeps its
// current refresh token (section 6).
type tokens struct {
	AccessToken      string `json:"access_token,omitempty"`
	TokenType        string `json:"token_type,omitempty"`
	ExpiresIn        int64  `json:"expires_in,omitempty"`
	RefreshToken     string `json:"refresh_token,omitempty"`
	RefreshExpiresIn int64  `json:"refresh_expires_in"`
	SessionExpiresIn int64  `json:"session_expires_in"`
	StoreWithin      int64  `json:"store_within,omitempty"`
	Scope            string `json:"scope,omitempty"`
	SessionID        string `json:"sid"`
	Delivery         string `json:"delivery"`
	DeviceToken      string `json:"device_token,omitempty"`
}

// grant issues an access token for the session and answers with both tokens, in the delivery of the
// session, and with a known-device token if device is not empty. scope narrows the access token; an
// empty scope means the whole scope of the session. If no token can be issued, grant returns an
// error and writes nothing. A session of auth.DeliverySession gets only its cookie.
func (x *Responder) grant(w http.ResponseWriter, r *http.Request, g session.Granted, scope []string, device auth.Secret) error {
	s := g.Session
	if len(scope) > 0 {
		s.Scope = scope
	}
	now := x.now()
	refreshLife := earlier(s.IdleEnd, s.AbsoluteEnd).Sub(now)
	body := tokens{
		RefreshExpiresIn: wholeSeconds(refreshLife),
		SessionExpiresIn: wholeSeconds(s.AbsoluteEnd.Sub(now)), StoreWithin: wholeSeconds(g.StoreWithin), Scope: strings.Join(s.Scope, " "),
		SessionID: s.ID.String(), Delivery: s.Delivery.String(), DeviceToken: device.Reveal(),
	}
	put := func(c cookie, token auth.Secret, life time.Duration) {
		if !s.Remember {
			life = 0
		}
		c.set(w, token, life)
	}
	switch s.Delivery {
	case auth.DeliverySession:
		// No later answer renews the cookie, because an authorizer sets no cookie. The session may
		// end before the cookie.
		put(sessionCookie, g.SessionToken, s.AbsoluteEnd.Sub(now))
	default:
		access, err := x.issue(r.Context(), g.Subject, s)
		if err != nil {
			return err
		}
		body.ExpiresIn = wholeSeconds(access.ExpiresIn)
		if s.Delivery == auth.DeliveryCookies {
			put(accessCookie, access.Text, access.ExpiresIn)
		} else {
			body.AccessToken, body.TokenType = access.Text.Reveal(), "Bearer"
		}
	}
	switch next := g.RefreshToken; {
	case !s.Delivery.ByCookie():
		body.RefreshToken = next.Reveal()
	case next.Reveal() != "":
		put(refreshCookie, next, refreshLife)
	}
	if g.Outcome == "" && s.Delivery.ByCookie() {
		clearOthers(w, r, s.Delivery)
	}
	answer.JSON(w, http.StatusOK, body)
	return nil
}

// clearOthers removes the cookies of an earlier session that the new session does not overwrite.
// Otherwise a request could carry the access tokens of two sessions, and would be refused.
func clearOthers(w http.ResponseWriter, r *http.Request, d auth.Delivery) {
	for _, c := range []struct {
		cookie
		stays bool
	}{
		{refreshCookie, d == auth.DeliveryCookie || d == auth.DeliveryCookies},
		{accessCookie, d == auth.DeliveryCookies},
		{sessionCookie, d == auth.DeliverySession},
	} {
		if !c.stays && len(c.values(r)) > 0 {
			c.clear(w)
		}
	}
}

// issue signs an access token for the session. If a cookie delivers it and would be too long for a
// browser, issue returns an error.
func (x *Responder) issue(ctx context.Context, of auth.Subject, s session.Session) (token.Access, error) {
	access, err := x.issuer.Issue(ctx, token.Grant{
		Subject: of, SessionID: s.ID.String(), TokenVersion: s.TokenVersion, Client: s.Client, Scope: s.Scope, AMR: s.AMR, AuthTime: s.AuthTime, NotAfter: s.AbsoluteEnd,
	})
	if err == nil && s.Delivery == auth.DeliveryCookies {
		err = accessCookie.fits(access.Text)
	}
	return access, err
}

// issuable returns an error if no access token can be issued for the session of o because a cookie
// would be too long. It runs before the session is opened, because such a session could never be
// used.
func (x *Responder) issuable(ctx context.Context, o session.Opening) error {
	switch o.Delivery {
	case auth.DeliverySession:
		// The authorizer gives a backend the claims that an access token would have, so they must
		// be valid.
		now := x.now()
		_, err := token.Grant{Subject: o.Subject, SessionID: "-", Client: o.Client.ID, Scope: o.Client.Scope, AMR: o.AMR, AuthTime: o.AuthTime}.
			Claims("-", now, now.Add(time.Minute))
		return err
	case auth.DeliveryBody, auth.DeliveryCookie:
		return nil // the longest token that can be issued fits into a body
	}
	_, err := x.issue(ctx, o.Subject, session.Session{
		TokenVersion: o.Subject.TokenVersion, Client: o.Client.ID, Scope: o.Client.Scope, AMR: o.AMR, AuthTime: o.AuthTime,
		AbsoluteEnd: x.now().Add(o.Client.AbsoluteTimeout), Delivery: o.Delivery,
	})
	return err
}

func wholeSeconds(d time.Duration) int64 { return int64(max(0, d) / time.Second) }

// networkText returns the beginning of an address for the audit log, or "" if it is unknown.
func networkText(from netip.Addr) string {
	bits := 48
	if from.Is4() {
		bits = 24
	}
	if !from.IsValid() {
		return ""
	}
	return netip.PrefixFrom(from, bits).Masked().String()
}

// addressText returns an address in the form that a session stores for the user's list of sessions.
func addressText(from netip.Addr) string {
	if from.IsValid() {
		return from.String()
	}
	return ""
}

// maxUserAgentBytes keeps the item of a session small.
const maxUserAgentBytes = 200

func userAgent(r *http.Request) string {
	text := strings.ToValidUTF8(r.UserAgent(), "�")
	if len(text) <= maxUserAgentBytes {
		return text
	}
	end := maxUserAgentBytes
	for !utf8.RuneStart(text[end]) {
		end--
	}
	return text[:end]
}

// Clients are the applications that may open sessions, by their ids.
type Clients map[auth.ClientID]auth.Client

// Has reports whether a client has the given id. Clients implements the interface that
// session.Manager requires.
func (c Clients) Has(id auth.ClientID) bool {
	_, ok := c[id]
	return ok
}

// find returns the client of a request. An empty id is the default client.
func (c Clients) find(id string) (auth.Client, error) {
	if id == "" {
		id = string(auth.DefaultClient)
	}
	client, ok := c[auth.ClientID(id)]
	if !ok {
		return auth.Client{}, invalidRequest("client_id is unknown")
	}
	return client, nil
}
