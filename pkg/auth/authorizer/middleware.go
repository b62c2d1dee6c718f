package authorizer

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/edgeauth/edgeauth/internal/answer"
	"github.com/edgeauth/edgeauth/internal/requestid"
	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/token"
)

// Middleware puts the decision in front of a handler: for Function URLs, load balancers and containers, where no gateway
// asks. The handler finds whom it serves by auth.PrincipalFrom and ClaimsFrom. Preflights
// carry no token: whoever serves other origins answers them before this.
func (a *Authorizer) Middleware(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r = requestid.Ensure(r)
		request := a.requestOf(r)
		d := a.Decide(r.Context(), request)
		if d.Outcome == Allow || d.Outcome == Forbidden {
			// What no gateway could tell a backend is a fault here too: the configuration is wrong.
			_, err := appendContext(nil, &d.Claims, a.config.ContextClaims)
			if why, unwritable := errors.AsType[fault](err); unwritable {
				d = Decision{Outcome: Fault, Reason: Reason(why)}
			}
		}
		a.log(r.Context(), request, d)
		if d.Outcome != Allow {
			refuse(w, r, d)
			return
		}
		ctx := auth.WithPrincipal(r.Context(), principalOf(&d.Claims))
		next.ServeHTTP(w, r.WithContext(context.WithValue(ctx, claimsKey{}, d.Claims)))
	})
}

type claimsKey struct{}

// ClaimsFrom returns the claims of a request that Middleware let through. They are shared: do not change them.
func ClaimsFrom(ctx context.Context) (token.Claims, bool) {
	c, ok := ctx.Value(claimsKey{}).(token.Claims)
	return c, ok
}

func principalOf(c *token.Claims) auth.Principal {
	return auth.Principal{
		Subject: c.Subject, SessionID: c.SessionID, Client: c.ClientID, Scope: c.Scope, Roles: c.Roles,
		AuthTime: c.AuthTime, Expires: c.Expires,
	}
}

func (a *Authorizer) requestOf(r *http.Request) Request {
	c := carried{method: r.Method, connect: isHandshake(r.Header)}
	for name, values := range r.Header {
		if field := a.sources.field([]byte(name)); field != "" {
			for _, v := range values {
				c.headers = append(c.headers, pair{field, []byte(v)})
			}
		}
	}
	if c.connect && r.Method == http.MethodGet { // RFC 6455, section 4.1
		for name, values := range r.URL.Query() {
			if slices.Contains(a.sources.queries, name) {
				for _, v := range values {
					c.query = append(c.query, pair{name, []byte(v)})
				}
			}
		}
	}
	path := r.URL.Path
	if r.URL.RawPath != "" { // the client's escapes are not the usual ones: a/b may be one segment, or %61 an a
		path = r.URL.RawPath
	}
	text, problem := a.sources.find(&c, a.config.Origins)
	return Request{ID: requestid.Of(r), Token: text, Problem: problem, target: target{resource: r.Method + path}}
}

// isHandshake reports whether anybody behind us may take the request for a WebSocket's: some look for the word in the
// whole list.
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

// refuse answers r as RFC 6750, section 3, has it. The body has the form of API Gateway's, and the id
// of r, which the audit line has too.
func refuse(w http.ResponseWriter, r *http.Request, d Decision) {
	status, challenge := challengeOf(d)
	h := w.Header()
	if challenge != "" {
		h.Set("WWW-Authenticate", challenge)
	}
	if status == http.StatusServiceUnavailable {
		h.Set("Retry-After", "1")
	}
	answer.JSON(w, status, struct {
		Message   string `json:"message"`
		RequestID string `json:"request_id"`
	}{http.StatusText(status), requestid.Of(r)})
}

// challengeOf returns no error code where the request has no token (RFC 6750, section 3.1): its client may not know yet
// that one is needed. A login that is too old is RFC 9470's, section 3.
func challengeOf(d Decision) (status int, challenge string) {
	switch {
	case d.Outcome == Fault && d.Reason == ReasonKeysUnavailable:
		return http.StatusServiceUnavailable, ""
	case d.Outcome == Fault:
		return http.StatusInternalServerError, ""
	case d.Reason == ReasonNoToken || d.Reason == ReasonNotBearer:
		return http.StatusUnauthorized, `Bearer`
	case d.Reason == ReasonMalformedHeader || d.Reason == ReasonSeveralTokens:
		return http.StatusBadRequest, `Bearer error="invalid_request"`
	case d.Reason == ReasonCrossSite:
		return http.StatusForbidden, ""
	case d.Outcome == Unauthenticated:
		return http.StatusUnauthorized, `Bearer error="invalid_token"`
	case d.Reason == ReasonInsufficientScope:
		return http.StatusForbidden, `Bearer error="insufficient_scope", scope="` + strings.Join(d.Unmet.Scopes, " ") + `"`
	case d.Reason == ReasonStaleLogin:
		age := strconv.FormatInt(int64(d.Unmet.MaxAuthAge/time.Second), 10)
		return http.StatusUnauthorized, `Bearer error="insufficient_user_authentication", max_age="` + age + `"`
	}
	return http.StatusForbidden, ""
}
