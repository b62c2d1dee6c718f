// Package audit writes one structured log line for each decision. The lines contain no secrets.
//
//	log := audit.New(os.Stdout, time.Now)
//	log.Write(ctx, audit.Event{Name: audit.LoginSuccess, SubjectID: id})
//
// A line of a [Metered] writer also has the metrics of the decision: CloudWatch takes them from the
// log, so a function needs no client, no permission and no time for them.
package audit

import (
	"context"
	"encoding/json"
	"io"
	"sync"
	"time"

	"github.com/edgeauth/edgeauth/internal/stopwatch"
	"github.com/edgeauth/edgeauth/pkg/auth"
)

// Event is one decision. It has no field for a token, a password, an e-mail address or an IP
// address, so that no secret or address can be logged by mistake. Network is at most the beginning
// of an address. Empty fields are omitted from the line.
type Event struct {
	Name      Name
	Outcome   string // the decision, from the closed list of the deciding package
	Reason    string // why, from a closed list of the same package
	Claim     string // of an access token that is refused, from the closed list of package token
	RequestID string // the gateway's request id, which is also in its access log
	Account   string // a pseudonym of the e-mail of a login, whether or not it has a user
	SubjectID auth.SubjectID
	SessionID string // the sid, which is not a secret
	ClientID  auth.ClientID
	Network   string // the prefix of the client's address, if the configuration asks for it
	// KnownDevice says whether a login came with a known-device token, if the configuration asks
	// for it. nil means that it is unknown.
	KnownDevice *bool
	// Signals are the unusual properties of a refresh.
	Signals []auth.Signal
	// MailClass is the limit of mails that a request for a code counted against, from the closed
	// list of package flow. It is a dimension of the metrics of the line.
	MailClass string
	// Fault is set if the service is at fault, not the client. Alarms depend on it, so no client
	// may be able to cause it. Its text must not contain input of a client.
	Fault error
	// Count is the number of decisions that the line represents in the metrics; 0 means 1. The line
	// of a sampled request has a greater Count.
	Count int
	// ForeignClient is set if another issuer has named the client. The metrics of the line then
	// have no client: each value of a dimension is billed, and the other issuer could invent many
	// values.
	ForeignClient bool
	// KeyAge is how long the key has signed, in the line of a start. It is only a metric; 0 omits
	// it.
	KeyAge time.Duration
	// Duration is the duration of the request. 0 means that the stopwatch of the context measures
	// it.
	Duration time.Duration

	took *took // set by Write
}

// took is the result of a stopwatch.
type took struct {
	elapsed time.Duration
	store   []time.Duration
}

// line is an Event as JSON in the format of log/slog, which other tools can read, except that the
// message is named event. slog itself would add 70 KB to the authorizer.
type line struct {
	Time        time.Time      `json:"time"`
	Level       level          `json:"level"`
	Name        Name           `json:"event"`
	Outcome     string         `json:"outcome,omitempty"`
	Reason      string         `json:"reason,omitempty"`
	Claim       string         `json:"claim,omitempty"`
	RequestID   string         `json:"request_id,omitempty"`
	Account     string         `json:"account,omitempty"`
	SubjectID   auth.SubjectID `json:"sub,omitempty"`
	SessionID   string         `json:"sid,omitempty"`
	ClientID    auth.ClientID  `json:"client_id,omitempty"`
	Network     string         `json:"network,omitempty"`
	KnownDevice *bool          `json:"known_device,omitempty"`
	Signals     []auth.Signal  `json:"signals,omitempty"`
	MailClass   string         `json:"mail_class,omitempty"`
	Fault       string         `json:"fault,omitempty"`
	Duration    milliseconds   `json:"duration_ms,omitempty"`
	Store       []milliseconds `json:"store_ms,omitempty"`
}

// milliseconds is a duration in a line. Microseconds are its smallest part.
type milliseconds float64

func millisecondsOf(d time.Duration) milliseconds {
	return milliseconds(d.Round(time.Microsecond)) / milliseconds(time.Millisecond)
}

// Log writes events. A nil Log writes nothing. It is safe for concurrent use.
type Log struct {
	one     sync.Mutex
	to      io.Writer
	now     func() time.Time
	metrics *metered // nil without metrics
}

// New returns a Log that writes JSON lines to w, with one Write call for each line. A nil w
// discards the lines. now returns the time of a line; nil means time.Now. If w is a [Metered]
// writer, the lines have metrics.
func New(w io.Writer, now func() time.Time) *Log {
	if w == nil {
		return nil
	}
	if now == nil {
		now = time.Now
	}
	l := &Log{to: w, now: now}
	if m, ok := w.(metered); ok {
		l.to, l.metrics = m.Writer, &m
	}
	return l
}

// Metered reports whether the lines have metrics.
func (l *Log) Metered() bool { return l != nil && l.metrics != nil }

// Write writes e as one line. If ctx has a stopwatch, the first line of the request has its
// durations. Write returns no error, because a log that fails must not change a decision.
func (l *Log) Write(ctx context.Context, e Event) {
	if l == nil {
		return
	}
	x := line{
		Time: l.now(), Level: e.Name.level(), Name: e.Name, Outcome: e.Outcome, Reason: e.Reason, Claim: e.Claim,
		RequestID: e.RequestID, Account: e.Account, SubjectID: e.SubjectID, SessionID: e.SessionID, ClientID: e.ClientID,
		Network: e.Network, KnownDevice: e.KnownDevice, Signals: e.Signals, MailClass: e.MailClass,
	}
	if e.Fault != nil {
		x.Level, x.Fault = failure, e.Fault.Error()
	}
	x.Duration = millisecondsOf(e.Duration)
	if elapsed, calls, ok := stopwatch.Read(ctx); ok {
		e.took = &took{elapsed, calls}
		x.Duration = millisecondsOf(elapsed)
		for _, call := range calls {
			x.Store = append(x.Store, millisecondsOf(call))
		}
	}
	text, _ := json.Marshal(x) // strings and times of this century always marshal
	if l.metrics != nil {
		text = l.metrics.add(text, x.Time, e)
	}
	l.one.Lock()
	defer l.one.Unlock()
	_, _ = l.to.Write(append(text, '\n'))
}
