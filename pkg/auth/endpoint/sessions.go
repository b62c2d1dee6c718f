package endpoint

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/edgeauth/edgeauth/internal/answer"
	"github.com/edgeauth/edgeauth/internal/audit"
	"github.com/edgeauth/edgeauth/internal/errorcode"
	"github.com/edgeauth/edgeauth/internal/router"
	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/session"
	"github.com/edgeauth/edgeauth/pkg/auth/token"
)

// SessionsConfig holds the parts of the sessions function. Sessions and Access are required.
type SessionsConfig struct {
	Sessions *session.Manager
	// Access verifies the access tokens of this service. It needs only the public keys.
	Access *token.Verifier
	// Origins are the origins whose pages may send cookies; see [ResponderConfig].
	Origins []string
	Log     io.Writer        // for the audit lines; nil writes no line
	Now     func() time.Time // the clock; nil means time.Now
}

// Sessions returns the handler of the sessions function. It has no signing key.
//
// POST /auth/logout ends the session of a refresh token (RFC 7009). The body is a form or JSON with
// token or refresh_token, unless the request has the cookie. If client_id is sent, it must be the
// client of the session. token_type_hint is ignored, as RFC 7009, section 2.1, permits, because
// refresh tokens are recognizable. 200 means that the token is not valid from now on, even if it
// never was: "invalid tokens do not cause an error response since the client cannot handle such an
// error in a reasonable way" (section 2.2). If a cookie carried the token, the answer removes the
// cookies of the session. 503 means that the session may still be active.
//
// The other routes serve the user of an access token, in the header Authorization or in the cookie.
// They refuse an access token whose session has ended, or whose token version is older than the
// user's.
//
//   - GET /auth/sessions lists the open sessions. The query parameter after begins a later part.
//   - PATCH /auth/sessions/{sid} sets the label of a session.
//   - DELETE /auth/sessions/{sid} ends a session.
//   - DELETE /auth/sessions ends all other sessions, and with all=true every session.
//
// To end another session, the user must have proven their identity within the last 10 minutes.
//
// The error names a field of c that is missing or invalid. The handler checks path and method
// itself: another path is 404, another method 405.
func Sessions(c SessionsConfig) (http.Handler, error) {
	switch {
	case c.Sessions == nil:
		return nil, errors.New("endpoint: SessionsConfig.Sessions is missing")
	case c.Access == nil:
		return nil, errors.New("endpoint: SessionsConfig.Access is missing")
	}
	ours, err := newPages(c.Origins)
	if err != nil {
		return nil, fmt.Errorf("endpoint: SessionsConfig.Origins: %w", err)
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	lines := audit.New(c.Log, c.Now)
	h := sessionsHandler{c.Sessions, callers{c.Access, c.Sessions, ours, lines}, lines, c.Now}
	return router.New("sessions", router.Handlers{
		"POST /auth/logout":           logoutHandler{c.Sessions, ours, lines},
		"GET /auth/sessions":          h.serve(audit.SessionsRead, audit.SessionsReadFail, h.list),
		"PATCH /auth/sessions/{sid}":  h.serve(audit.SessionLabelled, audit.SessionLabelFail, h.label),
		"DELETE /auth/sessions/{sid}": h.serve(audit.TokenRevoked, audit.TokenRevokeFail, h.end),
		"DELETE /auth/sessions":       h.serve(audit.TokenRevoked, audit.TokenRevokeFail, h.endMany),
	})
}

type sessionsHandler struct {
	sessions *session.Manager
	callers  callers
	audit    *audit.Log
	now      func() time.Time
}

// did is the outcome of a request to the list of sessions in the audit log. If a request ends one
// session, the session manager decides the outcome instead.
type did string

const (
	didList      did = "listed"
	didLabel     did = "labelled"
	didEndOthers did = "ended_others"
	didEndAll    did = "ended_all"
)

// done is the result of a request to the list of sessions, for the answer and the audit line.
type done struct {
	body     any
	outcome  string
	reason   session.RevocationReason
	nothing  bool // no session was ended, because it had ended before
	session  session.Key
	client   auth.ClientID
	replaced []session.Key
}

// serve returns a handler that calls do, answers, and writes the audit line after success and after
// an error.
func (h sessionsHandler) serve(succeeded, failed audit.Name, do func(*http.Request) (done, error)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		d, err := do(r)
		if err != nil {
			problemOf(err).write(w, r, false)
		} else {
			answer.JSON(w, http.StatusOK, d.body)
		}
		f := finished{name: succeeded, failed: failed, outcome: d.outcome, session: d.session, client: d.client, err: err}
		if d.nothing {
			f.name = failed
		}
		e := f.event(r)
		e.Reason = string(d.reason)
		if refusal, ok := errors.AsType[*session.Refusal](err); ok {
			e.Reason = string(refusal.Outcome)
		} else if why := token.ReasonOf(err); why != "" {
			e.Reason, e.Claim = string(why), token.ClaimOf(err)
		}
		h.audit.Write(r.Context(), e)
		logReplaced(h.audit, r, d.replaced, d.client)
	})
}

// recently is the maximum age of the user's proof of identity for a request that ends other
// sessions (OWASP ASVS 5.0, 7.5.2): a thief with an access token must not lock the owner out.
const recently = 10 * time.Minute

// recent returns an error if the login of a session is too old to end other sessions. The client
// then asks the user to log in again (RFC 9470, section 3).
func (h sessionsHandler) recent(own session.Session) error {
	if h.now().Sub(own.AuthTime) <= recently {
		return nil
	}
	return &problem{
		status: http.StatusUnauthorized, code: errorcode.InsufficientUserAuthentication, maxAge: recently,
		description: "ending other sessions needs a recent login",
	}
}

// sessionsPage is the number of sessions that one query reads.
const sessionsPage = 100

type listed struct {
	// Own is the session of the request, which may be in another part of the list.
	Own      string          `json:"sid"`
	Sessions []listedSession `json:"sessions"`
	Next     string          `json:"next,omitempty"`
}

// listedSession is a session as its user sees it. Times are RFC 3339, in UTC.
type listedSession struct {
	ID        string        `json:"sid"`
	Current   bool          `json:"current"`
	Label     string        `json:"label"`
	UserAgent string        `json:"user_agent"`
	Address   string        `json:"address"`
	Client    string        `json:"client_id"`
	Kind      string        `json:"kind"`
	AMR       []string      `json:"amr"`
	Signals   []auth.Signal `json:"signals"`
	Created   time.Time     `json:"created_at"`
	LastSeen  time.Time     `json:"last_seen_at"`
	IdleEnd   time.Time     `json:"idle_ends_at"`
	End       time.Time     `json:"ends_at"`
}

func (h sessionsHandler) list(r *http.Request) (d done, err error) {
	q, err := query(r, "after")
	if err != nil {
		return d, err
	}
	var after session.ID
	if q["after"] != "" {
		if after, err = session.ParseID(q["after"]); err != nil {
			return d, invalidRequest("after must be the next of an earlier part")
		}
	}
	own, of, err := h.callers.find(r)
	d = done{outcome: string(didList), session: own.Key, client: own.Client}
	if err != nil {
		return d, err
	}
	page, err := h.sessions.List(r.Context(), of, own.ID, after, sessionsPage)
	if err != nil {
		return d, err
	}
	slices.SortStableFunc(page.Sessions, func(a, b session.Session) int { return b.LastSeen.Compare(a.LastSeen) })
	body := listed{Own: own.ID.String(), Sessions: []listedSession{}} // never null
	for _, s := range page.Sessions {
		body.Sessions = append(body.Sessions, listedSession{
			ID: s.ID.String(), Current: s.ID == own.ID, Label: s.Label, UserAgent: s.UserAgent, Address: s.Address,
			Client: string(s.Client), Kind: kindOf(s.Kind), AMR: append([]string{}, s.AMR...), Signals: append([]auth.Signal{}, s.Signals()...), Created: s.CreatedAt, LastSeen: s.LastSeen,
			IdleEnd: earlier(s.IdleEnd, s.AbsoluteEnd), End: s.AbsoluteEnd,
		})
	}
	if page.Next != (session.ID{}) {
		body.Next = page.Next.String()
	}
	d.body = body
	return d, nil
}

func kindOf(k session.Kind) string {
	if k == session.OpaqueKind {
		return "session"
	}
	return "refresh"
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

func (h sessionsHandler) label(r *http.Request) (d done, err error) {
	in, err := read(r, jsonType)
	if err != nil {
		return d, err
	}
	if _, given := in.object["label"]; !given {
		return d, invalidRequest("label is required; an empty one removes the label")
	}
	label, err := in.text("label")
	if err != nil {
		return d, err
	}
	own, of, err := h.callers.find(r)
	d = done{outcome: string(didLabel), session: own.Key, client: own.Client, body: struct{}{}}
	if err != nil {
		return d, err
	}
	id, err := target(r)
	if err != nil {
		return d, err
	}
	d.session.ID = id
	return d, missing(h.sessions.Rename(r.Context(), of, id, label))
}

// target returns the session that the path names. A malformed sid belongs to no session.
func target(r *http.Request) (session.ID, error) {
	id, err := session.ParseID(r.PathValue("sid"))
	if err != nil {
		return id, noSession()
	}
	return id, nil
}

// noSession is also the answer for the sid of another user: sessions are looked up among the
// caller's sessions, so both cases cost the same reads and look the same.
func noSession() *problem {
	return &problem{status: http.StatusNotFound, code: errorcode.NotFound, description: "no such session"}
}

func missing(err error) error {
	if errors.Is(err, auth.ErrNotFound) {
		return noSession()
	}
	return err
}

func (h sessionsHandler) end(r *http.Request) (d done, err error) {
	own, _, err := h.callers.find(r)
	d = done{session: own.Key, client: own.Client, body: struct{}{}}
	if err != nil {
		return d, err
	}
	id, err := target(r)
	if err == nil && id != own.ID {
		err = h.recent(own)
	}
	if err != nil {
		return d, err
	}
	e, err := h.sessions.Revoke(r.Context(), session.Key{Subject: own.Subject, ID: id}, session.RevocationUser)
	d.replaced = e.Replaced
	if err != nil {
		return d, err
	}
	d.session, d.client, d.outcome, d.reason = e.Session, e.Client, string(e.Outcome), e.Reason
	d.nothing = e.Outcome != session.OutcomeEnded
	if e.Outcome == session.OutcomeMissing {
		return d, noSession()
	}
	return d, nil
}

// attempts bounds how often the end of many sessions is retried because the user has changed
// meanwhile.
const attempts = 3

func (h sessionsHandler) endMany(r *http.Request) (d done, err error) {
	q, err := query(r, "all")
	if err != nil {
		return d, err
	}
	all := q["all"] == "true"
	if !all && q["all"] != "" && q["all"] != "false" {
		return d, invalidRequest("all must be true or false")
	}
	for range attempts {
		own, of, err := h.callers.find(r)
		d = done{outcome: string(didEndOthers), reason: session.RevocationUser, session: own.Key, client: own.Client, body: struct{}{}}
		if all {
			d.outcome = string(didEndAll)
		}
		if err == nil {
			err = h.recent(own)
		}
		if err != nil {
			d.reason = ""
			return d, err
		}
		var ended bool
		if all {
			ended, err = h.sessions.EndAll(r.Context(), of, &own)
		} else {
			ended, err = h.sessions.EndOthers(r.Context(), of, own)
		}
		if ended || err != nil {
			return d, err
		}
	}
	return d, auth.ErrUnavailable
}

// query returns the named parameters of the query string. Other parameters are ignored.
func query(r *http.Request, names ...string) (map[string]string, error) {
	values, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return nil, invalidRequest("the query string is malformed")
	}
	found := make(map[string]string, len(names))
	for _, name := range names {
		switch given := values[name]; len(given) {
		case 0:
		case 1:
			found[name] = given[0]
		default:
			return nil, invalidRequest("a parameter must not be included more than once")
		}
	}
	return found, nil
}
