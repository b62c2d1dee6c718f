package endpoint

import (
	"errors"
	"net/http"

	"github.com/edgeauth/edgeauth/internal/audit"
	"github.com/edgeauth/edgeauth/internal/requestid"
	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/session"
	"github.com/edgeauth/edgeauth/pkg/auth/user"
)

// finished holds what an endpoint knows about a request when it writes the audit line.
type finished struct {
	name, failed audit.Name // of the audit line after success, and after an error
	outcome      string     // of a success; empty if success has only one outcome
	session      session.Key
	client       auth.ClientID
	err          error
}

// logReplaced writes a line for each session that has ended because another session replaced it.
// These are separate lines, because the request is about the other session.
func logReplaced(log *audit.Log, r *http.Request, replaced []session.Key, client auth.ClientID) {
	for _, key := range replaced {
		log.Write(r.Context(), audit.Event{
			Name: audit.TokenRevoked, Outcome: string(session.OutcomeEnded), Reason: string(session.RevocationStepUp), RequestID: requestid.Of(r),
			SubjectID: key.Subject, SessionID: key.ID.String(), ClientID: client,
		})
	}
}

// event returns the fields that the audit lines of all endpoints share: the name, the request, the
// session and its client. After an error it also has the code of the answer and the session of a
// [*session.Refusal]. If the service is at fault, it also has the error.
func (f finished) event(r *http.Request) audit.Event {
	e := audit.Event{Name: f.name, Outcome: f.outcome, RequestID: requestid.Of(r), ClientID: f.client}
	key := f.session
	if f.err != nil {
		p := problemOf(f.err)
		e.Name, e.Outcome = f.failed, string(p.code)
		if refusal, ok := errors.AsType[*session.Refusal](f.err); ok {
			key = refusal.Session
			if e.ClientID == "" {
				e.ClientID = refusal.Client
			}
		}
		// A client can cause a conflict with requests that change one user at the same time. It
		// must not be able to raise an alarm.
		if p.fault() && !errors.Is(f.err, user.ErrConflict) {
			e.Fault = f.err
		}
	}
	e.SubjectID = key.Subject
	if key.ID != (session.ID{}) {
		e.SessionID = key.ID.String()
	}
	return e
}
