package endpoint

import (
	"errors"
	"net/http"
	"time"

	"github.com/edgeauth/edgeauth/internal/audit"
	"github.com/edgeauth/edgeauth/internal/requestid"
	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/login"
	"github.com/edgeauth/edgeauth/pkg/auth/session"
	"github.com/edgeauth/edgeauth/pkg/auth/token"
)

// opened is an opened session, or what is known about a session that could not be opened.
type opened struct {
	session.Granted
	login.Result
	device
	known auth.Secret // a new known-device token, or empty
	asked session.Key // the session of the request's access token
}

// opens returns a handler that calls open, answers with the tokens of the session, and writes the
// audit line after success and after an error.
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

// Proven is a user whom a program has identified by its own means.
type Proven struct {
	// Subject must come from a read of the user after the proof, because its TokenVersion binds the
	// session.
	Subject  auth.Subject
	Client   auth.Client
	AuthTime time.Time // when the user proved their identity
	// Account is the name of the account in the audit log. It must not be an e-mail address and may
	// be empty.
	Account string
}

// Opens returns the handler of a custom login. prove identifies the user of a request. The handler
// then opens a session, answers with its tokens as POST /auth/login does, and writes the audit line
// of a login, also if prove fails. If no access token can be signed, it answers 503 without calling
// prove.
//
// If prove returns a [*login.Denial], the answer is 403 with its code. For a [*login.Refusal] it is
// 401 invalid_credentials, and the audit line has its Reason and Subject. For an error that wraps
// [auth.ErrUnavailable] it is 503, and for any other error 500. The handler checks neither path nor
// method. It is safe for concurrent use if prove is.
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

// begin opens a session for the user in o. If o.NewDevice is set, it also issues a known-device
// token.
func (x *Responder) begin(r *http.Request, sessions *session.Manager, client auth.Client, who *login.Authenticator, o *opened) (err error) {
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

// event returns the audit line of a request that opens a session, with one name after success and
// the other after an error.
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
