package endpoint

import (
	"context"
	"errors"
	"net/http"

	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/audit"
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
		o, err := open(r)
		if err == nil {
			err = x.grant(w, r, o.Granted, nil, o.deliver(w, o.known))
		}
		if err != nil {
			problemOf(err).write(w, false)
		}
		x.audit.Write(r.Context(), o.event(r, succeeded, failed, err))
	})
}

// begin opens a session for the user of o, and makes the device known where it is to be.
func (x *Responder) begin(r *http.Request, sessions *session.Manager, client auth.Client, who deviceIssuer, o *opened) (err error) {
	if o.NewDevice {
		if o.known, err = who.Device(r.Context(), o.User); err != nil {
			return err
		}
	}
	o.Granted, err = sessions.Open(r.Context(), session.Opening{
		Subject: o.User.Subject(), Client: client, AuthTime: x.now(), UserAgent: userAgent(r), Address: addressText(r),
	})
	return err
}

type deviceIssuer interface {
	Device(ctx context.Context, u user.User) (auth.Secret, error)
}

// event returns the audit line of what opens a session: one name where it did, and the other where it did not.
func (o opened) event(r *http.Request, opened, failed audit.Name, err error) audit.Event {
	e := audit.Event{
		Name: opened, RequestID: requestID(r), SubjectID: o.asked.Subject, ClientID: o.Session.Client,
		Account: o.Reference, Fault: o.UpgradeErr,
	}
	key := o.Session.Key
	if key == (session.Key{}) {
		key = o.asked
	}
	if key != (session.Key{}) {
		e.SubjectID, e.SessionID = key.Subject, key.ID.String()
	}
	if err == nil {
		return e
	}
	p := problemOf(err)
	e.Name, e.Outcome = failed, p.code
	var (
		refusal *login.Refusal
		denial  *login.Denial
		over    *session.Refusal
	)
	switch {
	case errors.As(err, &refusal):
		e.Reason, e.SubjectID, e.Account = string(refusal.Reason), refusal.Subject, refusal.Reference
	case errors.As(err, &denial):
		e.Reason = string(login.ReasonDenied)
	case errors.As(err, &over):
		e.Reason, e.SubjectID, e.SessionID = string(over.Outcome), over.Session.Subject, over.Session.ID.String()
	default:
		e.Reason = string(token.ReasonOf(err))
	}
	if p.fault() {
		e.Fault = err
	}
	return e
}
