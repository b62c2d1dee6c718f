package endpoint

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/edgeauth/edgeauth/internal/answer"
	"github.com/edgeauth/edgeauth/internal/audit"
	"github.com/edgeauth/edgeauth/internal/errorcode"
	"github.com/edgeauth/edgeauth/internal/requestid"
	"github.com/edgeauth/edgeauth/internal/stopwatch"
	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/flow"
	"github.com/edgeauth/edgeauth/pkg/auth/login"
	"github.com/edgeauth/edgeauth/pkg/auth/mail"
)

// Messages takes messages that a mailer sends later; [*mail.Local] implements it. Enqueue must take
// messages of every kind, including [mail.KindNone], in the same time: otherwise the time of an
// answer would tell who has an account. Implementations are safe for concurrent use.
type Messages interface {
	Enqueue(ctx context.Context, m mail.Message) error
}

// resendAfter is how long a page waits before it offers to send another code.
const resendAfter = time.Minute

// begunFlow is the answer to a request for a code. It has the same form whether or not the address
// has an account.
type begunFlow struct {
	AuthSession string `json:"auth_session"`
	Reference   string `json:"reference"`
	ExpiresIn   int64  `json:"expires_in"`
	ResendAfter int64  `json:"resend_after"`
}

// askForCode answers POST /auth/code.
func (h accountHandler) askForCode(w http.ResponseWriter, r *http.Request) {
	r = r.WithContext(stopwatch.Start(r.Context()))
	begun, way, client, err := h.beginFlow(r)
	if err == nil {
		err = h.handOver(r.Context(), &begun)
	}
	if err != nil {
		problemOf(err).write(w, r, false)
	} else {
		if way.ByCookie() {
			setFlowCookie(w, r, begun)
		}
		answer.JSON(w, http.StatusAccepted, begunFlow{
			begun.Session.Reveal(), begun.Reference, wholeSeconds(begun.ExpiresIn), wholeSeconds(resendAfter),
		})
	}
	e := finished{name: audit.CodeAsked, failed: audit.CodeAskFail, outcome: string(begun.Message.Kind), client: client, err: err}.event(r)
	e.RequestID, e.Account, e.SubjectID, e.Reason = requestid.Of(r), begun.Account, begun.Subject, string(begun.Held)
	e.MailClass = string(begun.Class)
	h.audit.Write(r.Context(), e)
}

// handOver passes the message of a flow to the sender.
func (h accountHandler) handOver(ctx context.Context, b *flow.Begun) error {
	if h.Messages == nil {
		b.Message = mail.Message{Kind: mail.KindNone, Reference: b.Reference}
		b.Held = flow.HoldNoSender
		return nil
	}
	if err := h.Messages.Enqueue(ctx, b.Message); err != nil {
		// A mail that could not be handed over must not use up a mail of the day.
		h.Flows.Withdraw(ctx, *b)
		return &problem{status: http.StatusServiceUnavailable, code: errorcode.TemporarilyUnavailable, retryAfter: time.Second,
			cause: fmt.Errorf("hand a message over: %w", err)}
	}
	return nil
}

// beginFlow begins the flow of a request. If it fails, it returns the client as far as it is known.
func (h accountHandler) beginFlow(r *http.Request) (b flow.Begun, way auth.Delivery, client auth.ClientID, err error) {
	in, err := read(r, jsonType)
	if err != nil {
		return b, way, client, err
	}
	var email, purpose, clientID, invite string
	if err := in.texts(map[string]*string{"email": &email, "purpose": &purpose, "client_id": &clientID, "invite": &invite}); err != nil {
		return b, way, client, err
	}
	d, err := readWay(in)
	if err != nil {
		return b, way, client, err
	}
	device, err := h.readDevice(r, in)
	if err != nil {
		return b, way, client, err
	}
	if email == "" || purpose == "" {
		return b, way, client, invalidRequest("email and purpose are required")
	}
	what, err := flow.ParsePurpose(purpose)
	if err != nil {
		return b, way, client, invalidRequest("purpose must be signup, login or reset")
	}
	of, err := h.Clients.find(clientID)
	if err != nil {
		return b, way, client, err
	}
	if d, err = h.deliver(r, of, d); err != nil {
		return b, way, of.ID, err
	}
	b, err = h.Flows.Begin(r.Context(), flow.Request{
		Purpose: what, Client: of.ID, Email: email, Address: h.cdn.address(r), Device: device.token, Locale: locale(r),
		Invite: auth.NewSecret(invite),
	})
	return b, d.way, of.ID, err
}

// verifyCode answers POST /auth/code/verify.
func (h accountHandler) verifyCode(r *http.Request) (o opened, err error) {
	in, err := read(r, jsonType)
	if err != nil {
		return o, err
	}
	var session, reference, code, next, clientID, second string
	if err := in.texts(map[string]*string{
		"auth_session": &session, "reference": &reference, "code": &code, "new_password": &next, "client_id": &clientID, "one_time_code": &second,
	}); err != nil {
		return o, err
	}
	if o.delivery, err = readDelivery(in); err != nil {
		return o, err
	}
	if o.device, err = h.readDevice(r, in); err != nil {
		return o, err
	}
	client, err := h.Clients.find(clientID)
	if err != nil {
		return o, err
	}
	if o.delivery, err = h.deliver(r, client, o.delivery); err != nil {
		return o, err
	}
	if session == "" {
		if session, err = h.pages.flowSession(r, reference); err != nil {
			return o, err
		}
	}
	o.flow = session
	// Check before the code is spent: a new password without a new session would look like a
	// failure.
	if err := h.issuer.Ready(r.Context()); err != nil {
		return o, err
	}
	v, err := h.Flows.Verify(r.Context(), flow.Answer{
		Session: auth.NewSecret(session), Code: auth.NewSecret(code), Client: client.ID, NewPassword: auth.NewSecret(next),
		Address: h.cdn.address(r), Device: o.token, OneTimeCode: auth.NewSecret(second),
	})
	o.Result = v.Result
	if errors.Is(err, login.ErrPasswordChangeRequired) {
		return o, changeRequired(err, o.Result)
	}
	if err != nil {
		return o, notLetIn(err)
	}
	switch v.Purpose {
	case flow.PurposeSignup:
		o.name, o.done = audit.UserCreated, true
	case flow.PurposeReset:
		o.name, o.done = audit.PasswordChange, true
	}
	err = h.begin(r, h.Sessions, client, h.Login, &o)
	return o, err
}

// notLetIn returns err. If the code was right but the user was disabled after the flow began, it
// returns the error of a flow that has ended.
func notLetIn(err error) error {
	var refusal *login.Refusal
	if errors.As(err, &refusal) {
		return &problem{status: http.StatusBadRequest, code: errorcode.InvalidSession, description: flowOver, cause: err}
	}
	return err
}
