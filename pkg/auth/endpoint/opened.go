package endpoint

import (
	"cmp"
	"errors"
	"net/http"
	"time"

	"github.com/edgeauth/edgeauth/internal/audit"
	"github.com/edgeauth/edgeauth/internal/errorcode"
	"github.com/edgeauth/edgeauth/internal/requestid"
	"github.com/edgeauth/edgeauth/internal/stopwatch"
	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/flow"
	"github.com/edgeauth/edgeauth/pkg/auth/login"
	"github.com/edgeauth/edgeauth/pkg/auth/session"
	"github.com/edgeauth/edgeauth/pkg/auth/token"
)

// opened is the result of a request that opens a session. If no session was opened, it has what is
// known for the audit line.
type opened struct {
	session.Granted
	login.Result
	device
	delivery delivery    // of the tokens
	known    auth.Secret // a new known-device token, or empty
	asked    session.Key // the session of the request's access token
	done     bool        // the password was changed and all earlier sessions have ended, or the account was created
	name     audit.Name  // of the audit line after success, if it differs from the endpoint's
	flow     string      // the auth_session of the request, or empty
}

// opens returns a handler that calls open, answers with the tokens of the session, and writes the
// audit line after success and after an error.
func (x *Responder) opens(succeeded, failed audit.Name, open func(*http.Request) (opened, error)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		// A program may serve Opens without the router.
		r = requestid.Ensure(r.WithContext(stopwatch.Start(r.Context())))
		o, err := open(r)
		if o.flow != "" && (err == nil || problemOf(err).code == errorcode.InvalidSession) {
			clearFlow(w, r, o.flow)
		}
		if err == nil {
			err = x.grant(w, r, o.Granted, nil, o.deliver(w, o.known))
		}
		if err != nil {
			problemOf(err).write(w, r, false)
		}
		e := o.event(r, cmp.Or(o.name, succeeded), failed, err)
		if succeeded == audit.LoginSuccess {
			x.addToLogin(&e, r, o, err)
		}
		x.audit.Write(r.Context(), e)
		x.logEvicted(r, o.Granted)
	})
}

// logEvicted writes a line for each session that a login has ended because of the limit of its
// client, and for a session that it could not end.
func (x *Responder) logEvicted(r *http.Request, g session.Granted) {
	write := func(f finished, outcome session.Outcome) {
		f.name, f.failed = audit.TokenRevoked, audit.TokenRevokeFail
		e := f.event(r)
		e.Outcome, e.Reason = string(outcome), string(session.RevocationEvicted)
		x.audit.Write(r.Context(), e)
	}
	for _, ended := range g.Evicted {
		if ended.Outcome == session.OutcomeEnded {
			write(finished{session: ended.Session, client: ended.Client}, ended.Outcome)
		}
		logReplaced(x.audit, r, ended.Replaced, ended.Client)
	}
	if refusal, ok := errors.AsType[*session.Refusal](g.EvictErr); ok {
		write(finished{err: refusal}, refusal.Outcome)
	}
}

// addToLogin adds the members that the configuration asks for to the audit line of a login.
func (x *Responder) addToLogin(e *audit.Event, r *http.Request, o opened, err error) {
	if x.logNetwork {
		e.Network = networkText(x.cdn.address(r))
	}
	if !x.logKnownDevice {
		return
	}
	known, told := o.KnownDevice, o.Reference != ""
	if refusal, ok := errors.AsType[*login.Refusal](err); ok {
		known, told = refusal.KnownDevice, refusal.Reference != ""
	} else if denial, ok := errors.AsType[*login.Denial](err); ok {
		known, told = o.KnownDevice, denial.Reference != ""
	}
	if told { // otherwise no password was sent, or the login ended before it checked the device
		e.KnownDevice = &known
	}
}

// Proven is a user whom a program has identified by its own means.
type Proven struct {
	// Subject must come from a read of the user after the proof, because its TokenVersion binds the
	// session. A refresh reads the user again: the session of a subject that is in no store cannot
	// be refreshed. A disabled subject is answered with 401.
	Subject auth.Subject
	// Client is the application of the session: one of the clients that the session manager knows,
	// for example service.Service.Clients()[auth.DefaultClient].
	Client auth.Client
	// AuthTime is when the user proved the identity. It must not be zero. It becomes the auth_time
	// of the access tokens.
	AuthTime time.Time
	// AMR are the methods by which the user proved the identity, for example otp (RFC 8176). It may
	// be empty. It becomes the amr of the access tokens.
	AMR []string
	// Delivery says how the tokens are sent, like the parameter delivery of POST /auth/login. The
	// Client must allow it, and a request for cookies must come from one of our pages; otherwise
	// the answer is 400 or 403. Remember means that the cookies outlive the browser session.
	Delivery auth.Delivery
	Remember bool
	// Account is the name of the account in the audit log, even if prove returns an error. It must
	// not be an e-mail address and may be empty.
	Account string
}

// Opens returns the handler of a custom login. prove identifies the user of a request. The handler
// then opens a session, answers with its tokens like POST /auth/login, and writes the audit line of
// a login, even if prove fails. If no access token can be signed, it answers 503 without calling
// prove.
//
// An error of prove has one of these answers:
//
//   - A [*login.Refusal] is 401 invalid_credentials. The audit line has its Reason and Subject.
//   - A [*login.Refusal] whose Reason is [login.ReasonThrottled] is 429 with Retry-After, from its
//     RetryAfter.
//   - A [*login.Denial] is 403 with its code. The audit line has its Subject.
//   - An error that wraps [auth.ErrUnavailable] is 503.
//   - An error that wraps [auth.ErrNotFound], for example from a store without the user, is 401
//     invalid_credentials.
//   - Any other error is 500.
//
// A disabled Subject is 401 invalid_credentials too. A Client that the session manager does not
// know, a zero AuthTime and an AMR with a space are mistakes of the program: the answer is 500, and
// the fault in the audit line names the mistake. In all these cases no session is written.
//
// The handler counts no attempts, so prove must limit them, with package throttle. The handler
// checks neither path nor method. It is safe for concurrent use if prove is.
func (x *Responder) Opens(sessions *session.Manager, prove func(r *http.Request) (Proven, error)) http.Handler {
	return x.opens(audit.LoginSuccess, audit.LoginFail, func(r *http.Request) (o opened, err error) {
		if err := x.issuer.Ready(r.Context()); err != nil {
			return o, err
		}
		p, err := prove(r)
		o.Reference = p.Account
		switch {
		case err != nil:
			return o, unknownUser(err)
		case p.Subject.Disabled:
			return o, &login.Refusal{Reason: login.ReasonDisabled, Subject: p.Subject.ID}
		}
		if _, err := x.deliver(r, p.Client, delivery{asked: true, way: p.Delivery}); err != nil {
			return o, err
		}
		return o, x.open(r, sessions, p, &o)
	})
}

// unknownUser returns the refusal of a login whose user is missing from the store, if err says so.
// Otherwise it returns err.
func unknownUser(err error) error {
	var refusal *login.Refusal
	var denial *login.Denial
	if !errors.Is(err, auth.ErrNotFound) || errors.Is(err, auth.ErrUnavailable) || errors.As(err, &refusal) || errors.As(err, &denial) {
		return err
	}
	return &login.Refusal{Reason: login.ReasonUnknown}
}

// begin opens a session for the user in o. If o.NewDevice is set, it also issues a known-device
// token.
func (x *Responder) begin(r *http.Request, sessions *session.Manager, client auth.Client, who *login.Authenticator, o *opened) error {
	if err := x.newDevice(r, who, o); err != nil {
		return err
	}
	return x.open(r, sessions, x.proven(client, *o), o)
}

// newDevice issues a known-device token if o.NewDevice is set.
func (x *Responder) newDevice(r *http.Request, who *login.Authenticator, o *opened) (err error) {
	if o.NewDevice {
		o.known, err = who.Device(r.Context(), o.User)
	}
	return err
}

// proven returns the user of o, who has just proven the identity.
func (x *Responder) proven(client auth.Client, o opened) Proven {
	return Proven{
		Subject: o.User.Subject(), Client: client, AuthTime: x.now(), AMR: o.AMR, Delivery: o.delivery.way, Remember: o.delivery.remember,
	}
}

func (x *Responder) open(r *http.Request, sessions *session.Manager, p Proven, o *opened) (err error) {
	opening := x.opening(r, p)
	if err := x.issuable(r.Context(), opening); err != nil {
		return err
	}
	o.Granted, err = sessions.Open(r.Context(), opening)
	return err
}

func (x *Responder) opening(r *http.Request, p Proven) session.Opening {
	visit := x.cdn.visit(r)
	return session.Opening{
		Subject: p.Subject, Client: p.Client, AuthTime: p.AuthTime, AMR: p.AMR, Delivery: p.Delivery, Remember: p.Remember, UserAgent: userAgent(r), Address: addressText(visit.Address), Visit: visit,
	}
}

// event returns the audit line of a request that opens a session, with one name after success and
// the other after an error.
func (o opened) event(r *http.Request, succeeded, failed audit.Name, err error) audit.Event {
	f := finished{name: succeeded, failed: failed, session: o.Session.Key, client: o.Session.Client, err: err}
	if f.session == (session.Key{}) {
		f.session = o.asked
	}
	e := f.event(r)
	if o.done {
		// Without a new session, the account was still created, or the earlier sessions were still
		// ended. Only this line says so.
		e.Name, e.SubjectID = succeeded, o.User.ID
	}
	e.Account = o.Reference
	if e.Fault == nil {
		e.Fault = o.UpgradeErr
	}
	var (
		refusal *login.Refusal
		denial  *login.Denial
		over    *session.Refusal
		code    *flow.Refusal
	)
	switch {
	case errors.As(err, &refusal):
		e.Reason, e.SubjectID = string(refusal.Reason), refusal.Subject
		if refusal.Reference != "" {
			e.Account = refusal.Reference
		}
	case errors.As(err, &denial):
		e.Reason = string(login.ReasonDenied)
		if denial.Subject != "" {
			e.SubjectID = denial.Subject
		}
		if denial.Reference != "" {
			e.Account = denial.Reference
		}
	case errors.As(err, &over):
		e.Reason = string(over.Outcome)
	case errors.As(err, &code):
		e.Reason, e.SubjectID = string(code.Reason), code.Subject
	default:
		e.Reason, e.Claim = string(token.ReasonOf(err)), token.ClaimOf(err)
	}
	return e
}
