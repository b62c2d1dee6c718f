package endpoint

import (
	"errors"
	"fmt"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/login"
	"github.com/edgeauth/edgeauth/pkg/auth/session"
	"github.com/edgeauth/edgeauth/pkg/auth/token"
)

// problem is an error as the wire knows it. Its description is ours, never an error's text: those may hold what an
// attacker would like to know.
type problem struct {
	status      int
	code        string
	description string
	retryAfter  time.Duration // zero sends no Retry-After
	allow       string
	// terminal says that the refresh token will never work again. Only answers of refresh show it.
	terminal bool
}

func (p *problem) Error() string { return p.code + ": " + p.description }

func invalidRequest(format string, args ...any) *problem {
	return &problem{status: http.StatusBadRequest, code: "invalid_request", description: fmt.Sprintf(format, args...)}
}

// problemOf is the one switch from sentinels to the wire. What it does not know is a 500 without detail.
func problemOf(err error) *problem {
	var (
		known   *problem
		refusal *login.Refusal
	)
	switch {
	case errors.As(err, &known):
		return known
	case errors.Is(err, session.ErrEnded), errors.Is(err, token.ErrSessionOver):
		return &problem{status: http.StatusBadRequest, code: "invalid_grant", terminal: true,
			description: "the refresh token is not valid, or its session has ended"}
	case errors.Is(err, session.ErrForeignClient):
		return &problem{status: http.StatusBadRequest, code: "invalid_grant",
			description: "the refresh token was issued to another client"}
	case errors.Is(err, session.ErrScope):
		return &problem{status: http.StatusBadRequest, code: "invalid_scope",
			description: "the scope is wider than what the session was granted"}
	case errors.As(err, &refusal) && errors.Is(err, login.ErrThrottled):
		return &problem{status: http.StatusTooManyRequests, code: "too_many_requests", retryAfter: refusal.RetryAfter}
	case errors.Is(err, login.ErrInvalidCredentials):
		return &problem{status: http.StatusUnauthorized, code: "invalid_credentials"}
	case errors.Is(err, login.ErrPasswordChangeRequired):
		return &problem{status: http.StatusForbidden, code: "password_change_required"}
	case errors.Is(err, auth.ErrUnavailable):
		return &problem{status: http.StatusServiceUnavailable, code: "temporarily_unavailable", retryAfter: time.Second}
	default:
		return &problem{status: http.StatusInternalServerError, code: "server_error"}
	}
}

// fault reports whether the service, and not the request, is to blame.
func (p *problem) fault() bool { return p.status >= http.StatusInternalServerError }

type problemBody struct {
	Error       string `json:"error"`
	Description string `json:"error_description,omitempty"`
	Terminal    *bool  `json:"terminal,omitempty"`
}

func (p *problem) write(w http.ResponseWriter, showTerminal bool) {
	if p.retryAfter > 0 {
		w.Header().Set("Retry-After", strconv.FormatFloat(math.Ceil(p.retryAfter.Seconds()), 'f', 0, 64))
	}
	if p.allow != "" {
		w.Header().Set("Allow", p.allow)
	}
	body := problemBody{Error: p.code, Description: p.description}
	if showTerminal {
		body.Terminal = &p.terminal
	}
	writeJSON(w, p.status, body)
}

// NotFound answers a request for no route.
func NotFound(w http.ResponseWriter, _ *http.Request) {
	(&problem{status: http.StatusNotFound, code: "not_found"}).write(w, false)
}

// MethodNotAllowed answers a request for a route that knows only these methods.
func MethodNotAllowed(w http.ResponseWriter, allow ...string) {
	p := problem{status: http.StatusMethodNotAllowed, code: "method_not_allowed", allow: strings.Join(allow, ", ")}
	p.write(w, false)
}
