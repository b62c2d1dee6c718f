package endpoint

import (
	"errors"
	"io"
	"net/http"
	"net/netip"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/edgeauth/edgeauth/internal/answer"
	"github.com/edgeauth/edgeauth/internal/audit"
	"github.com/edgeauth/edgeauth/internal/crosssite"
	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/session"
	"github.com/edgeauth/edgeauth/pkg/auth/token"
)

// Responder turns an opened or refreshed session into the answer with its tokens. A program with a login of its own
// serves [Responder.Opens]. It is safe for concurrent use.
type Responder struct {
	issuer  *token.Issuer
	audit   *audit.Log
	now     func() time.Time
	origins []string
}

// ResponderConfig is what a Responder works with. Issuer and Now are required.
type ResponderConfig struct {
	Issuer *token.Issuer
	// Log takes one line of JSON for each request, in one call of Write; nil writes no log.
	Log io.Writer
	Now func() time.Time
	// Origins are those, beside our own, whose pages may send and be sent cookies; see crosssite.CheckOrigin.
	Origins []string
}

// NewResponder returns a Responder, or an error that names what is missing or wrong.
func NewResponder(c ResponderConfig) (*Responder, error) {
	if c.Issuer == nil || c.Now == nil {
		return nil, errors.New("endpoint: a Responder needs an issuer and a clock")
	}
	for _, origin := range c.Origins {
		if err := crosssite.CheckOrigin(origin); err != nil {
			return nil, err
		}
	}
	return &Responder{c.Issuer, audit.New(c.Log), c.Now, c.Origins}, nil
}

// tokens is the answer of RFC 6749, section 5.1, and how long what it grants lives. An answer without a refresh token
// leaves the client the one that it has (section 6).
type tokens struct {
	AccessToken      string `json:"access_token"`
	TokenType        string `json:"token_type"`
	ExpiresIn        int64  `json:"expires_in"`
	RefreshToken     string `json:"refresh_token,omitempty"`
	RefreshExpiresIn int64  `json:"refresh_expires_in"`
	SessionExpiresIn int64  `json:"session_expires_in"`
	Scope            string `json:"scope,omitempty"`
	DeviceToken      string `json:"device_token,omitempty"`
}

// grant issues an access token for the session and answers with both tokens, and with a known-device token if there is
// one. scope narrows the access token; an empty scope means all that the session was granted. If it cannot issue a token it
// returns an error and has written nothing.
func (x *Responder) grant(w http.ResponseWriter, r *http.Request, g session.Granted, scope []string, device auth.Secret) error {
	s := g.Session
	if len(scope) == 0 {
		scope = s.Scope
	}
	access, err := x.issuer.Issue(r.Context(), token.Grant{
		Subject: g.Subject, SessionID: s.ID.String(), Client: s.Client, Scope: scope, AuthTime: s.AuthTime, NotAfter: s.AbsoluteEnd,
	})
	if err != nil {
		return err
	}
	now, idleEnd := x.now(), s.IdleEnd
	if idleEnd.After(s.AbsoluteEnd) {
		idleEnd = s.AbsoluteEnd
	}
	answer.JSON(w, http.StatusOK, tokens{
		AccessToken: access.Text.Reveal(), TokenType: "Bearer", ExpiresIn: wholeSeconds(access.ExpiresIn),
		RefreshToken: g.RefreshToken.Reveal(), RefreshExpiresIn: wholeSeconds(idleEnd.Sub(now)),
		SessionExpiresIn: wholeSeconds(s.AbsoluteEnd.Sub(now)), Scope: strings.Join(scope, " "),
		DeviceToken: device.Reveal(),
	})
	return nil
}

func wholeSeconds(d time.Duration) int64 { return int64(max(0, d) / time.Second) }

// address is where the request comes from as the gateway saw it; the zero Addr where it does not tell. Forwarding
// headers are not asked: clients write them.
func address(r *http.Request) netip.Addr {
	from, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	return from.Addr().Unmap()
}

// addressText is address as a session keeps it, for its owner's list of sessions.
func addressText(r *http.Request) string {
	if from := address(r); from.IsValid() {
		return from.String()
	}
	return ""
}

// maxUserAgentBytes keeps a session's item small.
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

// Clients are the applications that may open sessions.
type Clients map[auth.ClientID]auth.Client

// Has reports whether there is a client of this id. It makes Clients what a session.Manager asks.
func (c Clients) Has(id auth.ClientID) bool {
	_, ok := c[id]
	return ok
}

// find returns the client of a request. One that names none is the default client.
func (c Clients) find(id string) (auth.Client, error) {
	if id == "" {
		id = string(auth.DefaultClient)
	}
	client, ok := c[auth.ClientID(id)]
	if !ok {
		return auth.Client{}, invalidRequest("client_id names no client of this service")
	}
	return client, nil
}
