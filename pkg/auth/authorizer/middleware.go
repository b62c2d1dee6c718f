package authorizer

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/edgeauth/edgeauth/internal/answer"
	"github.com/edgeauth/edgeauth/internal/requestid"
	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/token"
)

// Middleware returns a handler that authorizes each request before it calls next. Use it behind
// Function URLs, load balancers and in containers, where no gateway calls an authorizer.
//
// In next, [auth.PrincipalFrom] and [ClaimsFrom] return the verified caller. A refused request gets
// a status and a challenge in WWW-Authenticate (RFC 6750, section 3):
//
//	401  Bearer                                                  no token
//	400  Bearer error="invalid_request"                          a malformed header, or several tokens
//	401  Bearer error="invalid_token"                            a token that is not valid
//	403  Bearer error="insufficient_scope", scope="..."          the rule needs these scopes
//	401  Bearer error="insufficient_user_authentication",
//	     max_age="..."                                           the login is too old (RFC 9470, section 3)
//
// It gets 403 without a challenge if the token lacks a role, if the route has no rule, or if a page
// of an origin that is not configured sent the token in a cookie. If the keys are unavailable, or
// if Config.Sessions returns an error, the answer is 503 with Retry-After. For a fault the answer
// is 500. A token that Config.Sessions refuses gets the challenge invalid_token.
//
// The body is an object with message, request_id and, if the challenge has them, error and max_age.
//
// Handlers must not read the identity from headers. The middleware does not remove X-Edgeauth-*
// headers, because a gateway in front of it may write them; [Authorizer.Invoke] refuses requests
// with them.
//
// CORS preflight requests carry no token. If the API serves other origins, put its CORS handler in
// front of Middleware.
func (a *Authorizer) Middleware(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r = requestid.Ensure(r)
		request := a.requestOf(r)
		watched, began := a.watched(r.Context()) // not for next, which writes its own lines
		request.began = began
		d := a.decide(watched, request)
		if d.Outcome == outcomeAllow || d.Outcome == outcomeForbidden {
			// A claim that does not fit into the context of a gateway is a fault here too, because
			// the configuration is wrong.
			_, err := appendContext(nil, &d.Claims, a.config.ContextClaims)
			if why, unwritable := errors.AsType[fault](err); unwritable {
				d = decision{Outcome: outcomeFault, Reason: reason(why)}
			}
		}
		a.log(watched, request, d)
		if d.Outcome != outcomeAllow {
			refuse(w, r, d)
			return
		}
		ctx := auth.WithPrincipal(r.Context(), principalOf(&d.Claims))
		next.ServeHTTP(w, r.WithContext(context.WithValue(ctx, claimsKey{}, d.Claims)))
	})
}

type claimsKey struct{}

// ClaimsFrom returns the claims of a request that [Authorizer.Middleware] admitted. The claims are
// shared and must not be modified.
func ClaimsFrom(ctx context.Context) (token.Claims, bool) {
	c, ok := ctx.Value(claimsKey{}).(token.Claims)
	return c, ok
}

func principalOf(c *token.Claims) auth.Principal {
	return auth.Principal{
		Subject: c.Subject, SessionID: c.SessionID, Client: c.ClientID, Scope: c.Scope, Roles: c.Roles,
		AuthTime: c.AuthTime, Expires: c.Expires, IssuedAt: c.IssuedAt, TokenVersion: c.TokenVersion,
	}
}

func (a *Authorizer) requestOf(r *http.Request) request {
	c := carried{method: r.Method, connect: isHandshake(r.Header)}
	for name, values := range r.Header {
		if isMethodHeader([]byte(name)) {
			c.name(values)
		}
		if field := a.sources.field([]byte(name)); field != "" {
			for _, v := range values {
				c.headers = append(c.headers, pair{field, []byte(v)})
			}
		}
	}
	handshake := c.connect && r.Method == http.MethodGet // RFC 6455, section 4.1
	for name, values := range r.URL.Query() {
		if isMethodParameter([]byte(name)) {
			c.name(values)
		}
		if handshake && slices.Contains(a.sources.queries, name) {
			for _, v := range values {
				c.query = append(c.query, pair{name, []byte(v)})
			}
		}
	}
	path := r.URL.Path
	if r.URL.RawPath != "" { // unusual escapes: a%2Fb may be one segment, and %61 is an a
		path = r.URL.RawPath
	}
	text, opaque, problem := a.sources.find(&c, a.config.Origins)
	return request{ID: requestid.Of(r), Token: text, opaque: opaque, Problem: problem, target: target{resource: r.Method + path}, methods: c.otherMethods()}
}

// name records values that may name a method.
func (c *carried) name(methods []string) {
	for _, m := range methods {
		c.methods = append(c.methods, pair{value: []byte(m)})
	}
}

// isHandshake reports whether a server behind the middleware may treat the request as a WebSocket
// handshake. Some servers search the whole Upgrade list for the word.
func isHandshake(h http.Header) bool {
	for _, list := range h.Values("Upgrade") {
		for protocol := range strings.SplitSeq(list, ",") {
			if strings.EqualFold(strings.Trim(protocol, " \t"), "websocket") {
				return true
			}
		}
	}
	return false
}

// refuse answers as RFC 6750, section 3, requires. The body has the form of an API Gateway error
// and contains the request id of the audit line. It repeats the code of the challenge, because a
// page of another origin cannot read the header.
func refuse(w http.ResponseWriter, r *http.Request, d decision) {
	status, code, attribute := challengeOf(d)
	h := w.Header()
	switch {
	case code != "":
		h.Set("WWW-Authenticate", `Bearer error="`+code+`"`+attribute)
	case status == http.StatusUnauthorized:
		h.Set("WWW-Authenticate", "Bearer")
	}
	if status == http.StatusServiceUnavailable {
		h.Set("Retry-After", "1")
	}
	var maxAge *int64
	if code == staleLogin {
		maxAge = new(d.Unmet.maxAge())
	}
	answer.JSON(w, status, struct {
		Message   string `json:"message"`
		Error     string `json:"error,omitempty"`
		MaxAge    *int64 `json:"max_age,omitempty"`
		RequestID string `json:"request_id"`
	}{http.StatusText(status), code, maxAge, requestid.Of(r)})
}

// challengeOf returns the status of a refusal, and the error code and the extra attribute of its
// challenge. The code is empty if the request has no token (RFC 6750, section 3.1), because the
// client may not know that a token is required. A login that is too old gets the challenge of RFC
// 9470, section 3.
func challengeOf(d decision) (status int, code, attribute string) {
	switch {
	case d.Outcome == outcomeFault && (d.Reason == reasonKeysUnavailable || d.Reason == reasonSessionsUnavailable):
		return http.StatusServiceUnavailable, "", ""
	case d.Outcome == outcomeFault:
		return http.StatusInternalServerError, "", ""
	case d.Reason == reasonNoToken || d.Reason == reasonNotBearer:
		return http.StatusUnauthorized, "", ""
	case d.Reason == reasonMalformedHeader || d.Reason == reasonSeveralTokens:
		return http.StatusBadRequest, "invalid_request", ""
	case d.Reason == reasonCrossSite:
		return http.StatusForbidden, "", ""
	case d.Outcome == outcomeUnauthenticated:
		return http.StatusUnauthorized, "invalid_token", ""
	case d.Reason == reasonInsufficientScope:
		return http.StatusForbidden, "insufficient_scope", `, scope="` + strings.Join(d.Unmet.Scopes, " ") + `"`
	case d.Reason == reasonStaleLogin:
		return http.StatusUnauthorized, staleLogin, `, max_age="` + strconv.FormatInt(d.Unmet.maxAge(), 10) + `"`
	}
	return http.StatusForbidden, "", ""
}
