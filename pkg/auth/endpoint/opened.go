package endpoint

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/edgeauth/edgeauth/internal/audit"
	"github.com/edgeauth/edgeauth/internal/requestid"
	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/login"
	"github.com/edgeauth/edgeauth/pkg/auth/session"
	"github.com/edgeauth/edgeauth/pkg/auth/token"
	"github.com/edgeauth/edgeauth/pkg/auth/user"
)

// opened is a session that was opened, and what is known of one that was not.
type opened struct {
	session.Granted
	login.Result
	device
	known auth.Secret // a known-device token for the client to keep; empty where it keeps the one it has
	asked session.Key // of the session that the request's access token names
}

// opens answers with the tokens of the session that open opens, and logs either way.
func (x *Responder) opens(succeeded, failed audit.Name, open func(*http.Request) (opened, error)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r = requestid.Ensure(r) // a program may serve Opens without the router
		o, err := open(r)
		if err == nil {
			err = x.grant(w, r, o.Granted, nil, o.deliver(w, o.known))
		}
		if err != nil {
			problemOf(err).write(w, r, false)
		}
		x.audit.Write(r.Context(), o.event(r, succeeded, failed, err))
	})
}

// Proven is a user whom a program has identified in a way of its own.
type Proven struct {
	// Subject must come from a read of the user after the proof: its TokenVersion binds the session.
	Subject  auth.Subject
	Client   auth.Client
	AuthTime time.Time // when the user proved who they are
	// Account is what the audit log calls the account. It must not be an e-mail address; it may be empty.
	Account string
}

// Opens returns the handler of a login of one's own. prove identifies the user of a request. The handler opens a session,
// answers with its tokens as POST /auth/login does, and writes the audit line of a login, also if prove fails. If no access
// token can be signed, it answers 503 and does not call prove.
//
// A [*login.Denial] of prove is answered 403 with its code, and a [*login.Refusal] 401 invalid_credentials; its Reason and
// Subject stand in the audit line. An error that wraps [auth.ErrUnavailable] is answered 503, and any other error 500. The
// handler looks at neither path nor method. It is safe for concurrent use if prove is.
func (x *Responder) Opens(sessions *session.Manager, prove func(r *http.Request) (Proven, error)) http.Handler {
	return x.opens(audit.LoginSuccess, audit.LoginFail, func(r *http.Request) (o opened, err error) {
		if err := x.issuer.Ready(r.Context()); err != nil {
			return o, err
		}
		p, err := prove(r)
		o.Reference = p.Account
		if err == nil {
			err = x.open(r, sessions, p, &o)
		}
		return o, err
	})
}

// begin opens a session for the user of o, and makes the device known if o.NewDevice says so.
func (x *Responder) begin(r *http.Request, sessions *session.Manager, client auth.Client, who deviceIssuer, o *opened) (err error) {
	if o.NewDevice {
		if o.known, err = who.Device(r.Context(), o.User); err != nil {
			return err
		}
	}
	return x.open(r, sessions, Proven{Subject: o.User.Subject(), Client: client, AuthTime: x.now()}, o)
}

func (x *Responder) open(r *http.Request, sessions *session.Manager, p Proven, o *opened) (err error) {
	o.Granted, err = sessions.Open(r.Context(), session.Opening{
		Subject: p.Subject, Client: p.Client, AuthTime: p.AuthTime, UserAgent: userAgent(r), Address: addressText(r),
	})
	return err
}

type deviceIssuer interface {
	Device(ctx context.Context, u user.User) (auth.Secret, error)
}

// event returns the audit line of a request that opens a session: one name after success, and the other after an error.
func (o opened) event(r *http.Request, succeeded, failed audit.Name, err error) audit.Event {
	f := finished{name: succeeded, failed: failed, session: o.Session.Key, client: o.Session.Client, err: err}
	if f.session == (session.Key{}) {
		f.session = o.asked
	}
	e := f.event(r)
	e.Account = o.Reference
	if e.Fault == nil {
		e.Fault = o.UpgradeErr
	}
	var (
		refusal *login.Refusal
		denial  *login.Denial
		over    *session.Refusal
	)
	switch {
	case errors.As(err, &refusal):
		e.Reason, e.SubjectID = string(refusal.Reason), refusal.Subject
		if refusal.Reference != "" {
			e.Account = refusal.Reference
		}
	case errors.As(err, &denial):
		e.Reason = string(login.ReasonDenied)
	case errors.As(err, &over):
		e.Reason = string(over.Outcome)
	default:
		e.Reason = string(token.ReasonOf(err))
	}
	return e
}
