package endpoint

import (
	"errors"
	"fmt"
	"math"
	"net/http"
	"strconv"
	"time"

	"github.com/edgeauth/edgeauth/internal/answer"
	"github.com/edgeauth/edgeauth/internal/errorcode"
	"github.com/edgeauth/edgeauth/internal/requestid"
	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/flow"
	"github.com/edgeauth/edgeauth/pkg/auth/login"
	"github.com/edgeauth/edgeauth/pkg/auth/password"
	"github.com/edgeauth/edgeauth/pkg/auth/session"
	"github.com/edgeauth/edgeauth/pkg/auth/throttle"
	"github.com/edgeauth/edgeauth/pkg/auth/token"
	"github.com/edgeauth/edgeauth/pkg/auth/user"
)

// problem is an error answer. Its description is a fixed text and never the text of an error, which
// may contain details that help an attacker.
type problem struct {
	status      int
	code        errorcode.Code
	description string
	retryAfter  time.Duration // zero sends no Retry-After
	// terminal means that the refresh token will never work again. Only the answers of refresh and
	// logout have it.
	terminal bool
	// session is the session of an authentic refresh token. Only the answers of refresh have it.
	session session.ID
	// challenge is the value of WWW-Authenticate in a 401 for an access token.
	challenge string
	// maxAge is the maximum age of a login for this request. It is set with
	// InsufficientUserAuthentication, and the challenge contains it (RFC 9470, section 3).
	maxAge time.Duration
	// changeToken lets the client change the password, if the answer requires a change.
	changeToken auth.Secret
	// triesLeft is the number of tries left. It is set with InvalidCode.
	triesLeft int
	cause     error // only for the log
}

func (p *problem) Error() string { return string(p.code) + ": " + p.description }

func (p *problem) Unwrap() error { return p.cause }

func invalidRequest(format string, args ...any) *problem {
	return &problem{status: http.StatusBadRequest, code: errorcode.InvalidRequest, description: fmt.Sprintf(format, args...)}
}

// problemOf maps errors to answers. It is the only such mapping. An unknown error is a 500 without
// detail.
func problemOf(err error) *problem {
	var (
		known    *problem
		refusal  *login.Refusal
		denial   *login.Denial
		code     *flow.Refusal
		exceeded *throttle.Exceeded
	)
	switch {
	case errors.As(err, &known):
		return known
	case errors.Is(err, session.ErrEnded), errors.Is(err, token.ErrSessionOver):
		return &problem{status: http.StatusBadRequest, code: errorcode.InvalidGrant, terminal: true,
			description: "the refresh token is not valid, or its session has ended"}
	case errors.Is(err, session.ErrForeignClient):
		return &problem{status: http.StatusBadRequest, code: errorcode.InvalidGrant,
			description: "the refresh token was issued to another client"}
	case errors.Is(err, session.ErrOtherDelivery):
		return invalidRequest("the refresh token must be sent as it was delivered: in its cookie, or in the body")
	case errors.Is(err, session.ErrUnknownClient):
		return &problem{status: http.StatusBadRequest, code: errorcode.InvalidClient,
			description: "the session's client is not configured"}
	case errors.Is(err, session.ErrReauth):
		// Not terminal: the session does not end, and a refresh from a known place continues it.
		return &problem{status: http.StatusUnauthorized, code: errorcode.InsufficientUserAuthentication, challenge: `Bearer error="insufficient_user_authentication"`,
			description: "the request comes from a network, program or country that the session does not know; log in again"}
	case errors.Is(err, session.ErrScope):
		return &problem{status: http.StatusBadRequest, code: errorcode.InvalidScope,
			description: "the scope is wider than what the session was granted"}
	case errors.As(err, &refusal) && errors.Is(err, login.ErrThrottled):
		return &problem{status: http.StatusTooManyRequests, code: errorcode.TooManyRequests, retryAfter: refusal.RetryAfter}
	case errors.Is(err, login.ErrInvalidCredentials):
		return &problem{status: http.StatusUnauthorized, code: errorcode.InvalidCredentials}
	case errors.Is(err, login.ErrPasswordChangeRequired):
		return &problem{status: http.StatusForbidden, code: errorcode.PasswordChangeRequired}
	case errors.As(err, &denial):
		return &problem{status: http.StatusForbidden, code: errorcode.Code(denial.Code), description: denial.Description}
	case errors.As(err, &code) && errors.Is(err, flow.ErrInvalidCode):
		return &problem{status: http.StatusBadRequest, code: errorcode.InvalidCode, triesLeft: code.TriesLeft}
	case errors.Is(err, flow.ErrInvalidSession):
		return &problem{status: http.StatusBadRequest, code: errorcode.InvalidSession, description: flowOver}
	case errors.Is(err, flow.ErrNewPassword):
		return invalidRequest("new_password is required for a reset, and must be absent for a login")
	case errors.As(err, &exceeded):
		return &problem{status: http.StatusTooManyRequests, code: errorcode.TooManyRequests, retryAfter: exceeded.RetryAfter}
	case errors.Is(err, user.ErrEmail):
		return invalidRequest("email must be an e-mail address")
	case errors.Is(err, session.ErrLabel):
		return invalidRequest("%v", session.ErrLabel)
	case errors.Is(err, login.ErrNoToken), errors.Is(err, user.ErrSuperseded):
		return &problem{status: http.StatusBadRequest, code: errorcode.InvalidGrant,
			description: "the change_token is invalid or used, or the password has changed; log in again"}
	case notAllowed(err) != "":
		return &problem{status: http.StatusBadRequest, code: errorcode.PasswordNotAllowed, description: notAllowed(err)}
	case errors.Is(err, auth.ErrUnavailable), errors.Is(err, user.ErrConflict):
		return &problem{status: http.StatusServiceUnavailable, code: errorcode.TemporarilyUnavailable, retryAfter: time.Second}
	default:
		return &problem{status: http.StatusInternalServerError, code: errorcode.ServerError}
	}
}

const flowOver = "the auth_session is not valid, was used, or has ended; ask for a new code"

// notAllowed says why a new password is not allowed, or returns "" if err has another meaning.
func notAllowed(err error) string {
	var short *password.TooShort
	switch {
	case errors.As(err, &short):
		return fmt.Sprintf("the password must have at least %d characters", short.Least)
	case errors.Is(err, password.ErrTooLong):
		return fmt.Sprintf("the password must have at most %d bytes", password.MaxBytes)
	case errors.Is(err, password.ErrCommon):
		return "the password is one of the most common ones"
	case errors.Is(err, password.ErrBreached):
		return "the password has appeared in a data breach"
	case errors.Is(err, login.ErrSamePassword):
		return "the new password must differ from the current one"
	}
	return ""
}

// fault reports whether the service is to blame, not the request.
func (p *problem) fault() bool { return p.status >= http.StatusInternalServerError }

type problemBody struct {
	Error       errorcode.Code `json:"error"`
	Description string         `json:"error_description,omitempty"`
	Terminal    *bool          `json:"terminal,omitempty"`
	SessionID   string         `json:"sid,omitempty"`
	MaxAge      int64          `json:"max_age,omitempty"`
	ChangeToken string         `json:"change_token,omitempty"`
	TriesLeft   int            `json:"tries_left,omitempty"`
	RequestID   string         `json:"request_id,omitempty"`
}

// write answers r with p and the request id. An operator finds the audit line by this id.
func (p *problem) write(w http.ResponseWriter, r *http.Request, showTerminal bool) {
	if p.retryAfter > 0 {
		w.Header().Set("Retry-After", strconv.FormatFloat(math.Ceil(p.retryAfter.Seconds()), 'f', 0, 64))
	}
	maxAge := int64(p.maxAge / time.Second)
	if maxAge > 0 {
		w.Header().Set("WWW-Authenticate", fmt.Sprintf(`Bearer error="%s", max_age="%d"`, p.code, maxAge))
	}
	if p.challenge != "" {
		w.Header().Set("WWW-Authenticate", p.challenge)
	}
	body := problemBody{Error: p.code, Description: p.description, MaxAge: maxAge, ChangeToken: p.changeToken.Reveal(), TriesLeft: p.triesLeft, RequestID: requestid.Of(r)}
	if p.session != (session.ID{}) {
		body.SessionID = p.session.String()
	}
	if showTerminal {
		body.Terminal = &p.terminal
	}
	answer.JSON(w, p.status, body)
}
