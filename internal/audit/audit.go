// Package audit writes one structured line per decision, so that what happened can be read afterwards without
// anybody's secret in it.
package audit

import (
	"context"
	"encoding/json"
	"io"
	"sync"
	"time"

	"github.com/edgeauth/edgeauth/pkg/auth"
)

// Event is one decision. It has no field for a token, a password, an e-mail address or an IP address, so none can
// be written by mistake. Empty fields are left out of the line.
type Event struct {
	Name      Name
	Outcome   string // what was decided, from the closed list of the package that decides
	Reason    string // why, from that package's closed list
	RequestID string // the gateway's id of the request, which its access log has too
	Account   string // a pseudonym of the e-mail that a login names, whether or not it has a user
	SubjectID auth.SubjectID
	SessionID string // the sid, which opens nothing
	ClientID  auth.ClientID
	// Fault is set where the service is at fault and not the client. Alarms watch for it, and for nothing that a client
	// can cause. Its text must hold nothing that a client sent.
	Fault error
}

// line is an Event as it is written: in the form of log/slog's JSON, which other tools know, but for the name of the
// message, under which the vocabulary's words are searched. slog itself would add 70 KB to the authorizer.
type line struct {
	Time      time.Time      `json:"time"`
	Level     level          `json:"level"`
	Name      Name           `json:"event"`
	Outcome   string         `json:"outcome,omitempty"`
	Reason    string         `json:"reason,omitempty"`
	RequestID string         `json:"request_id,omitempty"`
	Account   string         `json:"account,omitempty"`
	SubjectID auth.SubjectID `json:"sub,omitempty"`
	SessionID string         `json:"sid,omitempty"`
	ClientID  auth.ClientID  `json:"client_id,omitempty"`
	Fault     string         `json:"fault,omitempty"`
}

// Log writes events. A nil Log is silent. It is safe for concurrent use.
type Log struct {
	one sync.Mutex
	to  io.Writer
}

// New returns a Log that writes JSON lines to w, one Write call each. A nil w makes a silent Log.
func New(w io.Writer) *Log {
	if w == nil {
		return nil
	}
	return &Log{to: w}
}

// Write writes e as one line. It reports no error: what a log cannot take must not change a decision.
func (l *Log) Write(_ context.Context, e Event) {
	if l == nil {
		return
	}
	x := line{
		Time: time.Now(), Level: e.Name.level(), Name: e.Name, Outcome: e.Outcome, Reason: e.Reason,
		RequestID: e.RequestID, Account: e.Account, SubjectID: e.SubjectID, SessionID: e.SessionID, ClientID: e.ClientID,
	}
	if e.Fault != nil {
		x.Level, x.Fault = failure, e.Fault.Error()
	}
	text, _ := json.Marshal(x) // strings and a time of this century always marshal
	l.one.Lock()
	defer l.one.Unlock()
	_, _ = l.to.Write(append(text, '\n'))
}
