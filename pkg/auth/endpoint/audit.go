package endpoint

import (
	"errors"
	"net/http"

	"github.com/edgeauth/edgeauth/internal/audit"
	"github.com/edgeauth/edgeauth/internal/requestid"
	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/session"
)

// finished is what an endpoint knows of a request when it writes the audit line.
type finished struct {
	name, failed audit.Name // the line's name after success, and after an error
	outcome      string     // of success; empty if success has only one
	session      session.Key
	client       auth.ClientID
	err          error
}

// event returns what the audit lines of all endpoints have in common: the name, the request, the session and its client.
// After an error it holds the code of the answer, the session that a [*session.Refusal] names, and the error itself if the
// service is at fault.
func (f finished) event(r *http.Request) audit.Event {
	e := audit.Event{Name: f.name, Outcome: f.outcome, RequestID: requestid.Of(r), ClientID: f.client}
	key := f.session
	if f.err != nil {
		p := problemOf(f.err)
		e.Name, e.Outcome = f.failed, string(p.code)
		if refusal, ok := errors.AsType[*session.Refusal](f.err); ok {
			key = refusal.Session
		}
		if p.fault() {
			e.Fault = f.err
		}
	}
	if key != (session.Key{}) {
		e.SubjectID, e.SessionID = key.Subject, key.ID.String()
	}
	return e
}
