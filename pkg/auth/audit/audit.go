// Package audit writes one structured line per decision, so that what happened can be read afterwards without
// anybody's secret in it.
package audit

import (
	"context"
	"io"
	"log/slog"

	"github.com/edgeauth/edgeauth/pkg/auth"
)

// Event is one decision. It has no field for a token, a password, an e-mail address or an IP address, so none can
// be written by mistake. Empty fields are left out of the line.
type Event struct {
	Name      Name
	Outcome   string // what was decided, from the closed list of the package that decides
	Reason    string // why, from that package's closed list
	RequestID string // the gateway's id of the request, which its access log has too
	SubjectID auth.SubjectID
	SessionID string // the sid, which opens nothing
	ClientID  auth.ClientID
	// Fault is set where the service is at fault and not the client. Alarms watch for it, and for nothing that a client
	// can cause. Its text must hold nothing that a client sent.
	Fault error
}

// Log writes events. A nil Log is silent. It is safe for concurrent use.
type Log struct {
	to *slog.Logger
}

// New returns a Log that writes JSON lines to w, one Write call each.
func New(w io.Writer) *Log {
	return &Log{slog.New(slog.NewJSONHandler(w, &slog.HandlerOptions{ReplaceAttr: rename}))}
}

// Write writes e as one line. It reports no error: what a log cannot take must not change a decision.
func (l *Log) Write(ctx context.Context, e Event) {
	if l == nil {
		return
	}
	attrs := make([]slog.Attr, 0, 7)
	add := func(key, value string) {
		if value != "" {
			attrs = append(attrs, slog.String(key, value))
		}
	}
	add("outcome", e.Outcome)
	add("reason", e.Reason)
	add("request_id", e.RequestID)
	add("sub", string(e.SubjectID))
	add("sid", e.SessionID)
	add("client_id", string(e.ClientID))
	if e.Fault != nil {
		add("fault", e.Fault.Error())
	}
	l.to.LogAttrs(ctx, e.level(), string(e.Name), attrs...)
}

func (e Event) level() slog.Level {
	if e.Fault != nil {
		return slog.LevelError
	}
	return e.Name.level()
}

// rename gives slog's message the key under which the vocabulary's names are searched.
func rename(groups []string, a slog.Attr) slog.Attr {
	if len(groups) == 0 && a.Key == slog.MessageKey {
		a.Key = "event"
	}
	return a
}
