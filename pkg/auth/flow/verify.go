package flow

import (
	"context"
	"crypto/hmac"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"github.com/edgeauth/edgeauth/internal/parallel"
	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/login"
	"github.com/edgeauth/edgeauth/pkg/auth/user"
)

// methodCode is the method of a proof by a code (RFC 8176, section 2). The RFC has no value for a
// code by mail; otp is its value for a one-time password.
const methodCode = "otp"

// Answer is a client's answer with the code of a mail.
type Answer struct {
	Session auth.Secret // the auth_session
	// Code may be empty if an earlier answer had the right code and was refused for another reason.
	Code auth.Secret
	// Client must be the client that began the flow.
	Client auth.ClientID
	// NewPassword is the password to set. A reset requires it, and a login refuses it. It is
	// optional for a sign-up: an account without a password logs in by codes.
	NewPassword auth.Secret
	// Address, Device and OneTimeCode are the same as in [login.Credentials].
	Address     netip.Addr
	Device      auth.Secret
	OneTimeCode auth.Secret
}

// Verified is the result of a right code.
type Verified struct {
	// Result has the user after the effect. The caller opens a session of Client for this user.
	login.Result
	Purpose Purpose
	Client  auth.ClientID
}

// Verify counts a try, compares the code, and passes the user through the gate of all logins. It
// then spends the flow and carries out its purpose. A sign-up creates the account with a verified
// address, in one transaction. A login records the address as verified. A reset sets the new
// password and ends all sessions and known devices of the user.
//
// A flow is spent before its effect. After a crash in between the user asks for a new code, and no
// code is ever used twice. Verify makes at most four writes and two reads.
//
// The error is a [*Refusal] if the answer is refused. A wrong code on the last try is an
// [ErrInvalidSession]. The other errors are [ErrNewPassword], the errors of
// [login.Authenticator.NewHash] and the errors of [login.Authenticator.Admit]. If the new password
// is refused or a step denies the login, the client may send the same auth_session again.
func (m *Manager) Verify(ctx context.Context, a Answer) (Verified, error) {
	x := verification{m: m, Answer: a, at: m.Now()}
	if err := x.open(ctx); err != nil {
		return Verified{}, err
	}
	if err := x.count(ctx); err != nil {
		return Verified{}, err
	}
	c := login.Credentials{Email: x.person.Address, Address: a.Address, Device: a.Device, OneTimeCode: a.OneTimeCode}
	r, err := m.Gate.Admit(ctx, c, x.prove)
	if err != nil {
		err = x.keep(ctx, err)
	}
	return Verified{Result: r, Purpose: x.Purpose, Client: x.opening.Client}, err
}

// verification is the state of [Manager.Verify] for one answer.
type verification struct {
	Answer
	m  *Manager
	at time.Time

	opening
	key      auth.LoginKey
	flow     Flow // before this try
	person   person
	right    bool // the code is right
	spent    bool // the flow was spent, or may have been
	password auth.Secret
}

func (x *verification) refuse(reason Reason) *Refusal {
	r := &Refusal{Reason: reason, Purpose: x.Purpose}
	if x.right {
		r.Subject = x.person.Subject
	}
	return r
}

// open checks what can be checked without I/O.
func (x *verification) open(ctx context.Context) (err error) {
	x.opening, x.key, err = parse(ctx, x.m.Keys, x.Session)
	switch {
	case errors.Is(err, errForged):
		return x.refuse(ReasonForged)
	case err != nil:
		return err
	case x.opening.Client != x.Answer.Client:
		return x.refuse(ReasonClient)
	case !x.at.Before(x.IssuedAt.Add(Lifetime + time.Second)): // whole seconds
		return x.refuse(ReasonExpired)
	}
	given := x.NewPassword.Reveal() != ""
	if x.Purpose == PurposeReset && !given || x.Purpose == PurposeLogin && given {
		return ErrNewPassword
	}
	if code := x.Code.Reveal(); code != "" && !isCode(code, x.m.digits) {
		return &Refusal{Reason: ReasonWrongCode, Purpose: x.Purpose, TriesLeft: Tries} // no try was counted
	}
	return nil
}

// count counts the try by one write, which returns the flow.
func (x *verification) count(ctx context.Context) error {
	mark, err := x.m.mark()
	if err != nil {
		return err
	}
	u := count(x.at, mark)
	before, done, err := x.m.Store.Update(ctx, x.ID.key(), u)
	switch {
	case err != nil:
		return fmt.Errorf("count the try: %w", err)
	case before == nil:
		return x.refuse(ReasonUnknown)
	case before.Spent != [8]byte{}:
		return x.refuse(ReasonSpent)
	case !before.Ends.After(u.If.LiveAt):
		return x.refuse(ReasonExpired)
	case !counted(before, done, mark):
		return x.refuse(ReasonTries)
	case before.Purpose != x.Purpose || before.Client != x.opening.Client:
		return x.refuse(ReasonForged) // only the holder of a stolen key can seal other hints
	}
	x.flow = *before
	if done {
		u.Do(&x.flow)
	}
	x.person, err = openPerson(x.ID, before.Person)
	return err
}

// prove compares the code and prepares the effect. It writes nothing.
func (x *verification) prove(ctx context.Context) (login.Proof, error) {
	want, err := codeMAC(x.key, x.ID, x.Code.Reveal())
	if err != nil {
		return login.Proof{}, err
	}
	if x.right = hmac.Equal(want[:], x.flow.Code[:]) || x.flow.Proven && x.Code.Reveal() == ""; !x.right {
		no := x.refuse(ReasonWrongCode)
		no.TriesLeft = x.flow.TriesLeft
		return login.Proof{}, no
	}
	p := login.Proof{AMR: []string{methodCode}, New: x.Purpose == PurposeSignup}
	if p.User, err = x.user(ctx); err != nil {
		return p, err
	}
	if x.NewPassword.Reveal() != "" && !p.User.Disabled {
		if x.password, err = x.m.Gate.NewHash(ctx, p.User, x.NewPassword); err != nil {
			return p, err
		}
	}
	if p.New {
		p.User.Password = x.password
	}
	p.Commit = func(ctx context.Context) (user.User, error) { return x.commit(ctx, p.User) }
	return p, nil
}

// user returns the user of the flow: as stored now, or, for a sign-up, the user to create. The flow
// is over if the user's token version or address has changed since the flow began.
func (x *verification) user(ctx context.Context) (user.User, error) {
	if x.Purpose == PurposeSignup {
		return x.newcomer(ctx)
	}
	u, found, err := x.m.read(ctx, x.person.Subject)
	if err == nil && (!found || u.TokenVersion != x.person.TokenVersion || u.Email != x.person.Address) {
		err = x.refuse(ReasonSuperseded)
	}
	return u, err
}

// newcomer returns the user that a sign-up creates. It checks the rules of sign-ups again, because
// they may have changed since the code was sent.
func (x *verification) newcomer(ctx context.Context) (user.User, error) {
	u, err := x.m.Users.NewUser(x.person.Address)
	if err != nil {
		return u, err
	}
	u.VerifiedEmail = u.Email
	key, err := user.NormalizeEmail(u.Email)
	if err != nil {
		return u, err
	}
	ok, err := x.m.admits(ctx, Newcomer{Email: key, Client: x.opening.Client, Address: x.Answer.Address}, x.invite(), x.at)
	if err == nil && !ok {
		err = x.refuse(ReasonClosed)
	}
	return u, err
}

// invite returns the id of the invitation of a sign-up, or the zero id.
func (x *verification) invite() (i id) {
	copy(i[:], x.person.Invite)
	return i
}

// commit spends the flow and carries out its purpose. It releases the reserved mail, because a used
// code cannot be guessed any more.
func (x *verification) commit(ctx context.Context, u user.User) (after user.User, err error) {
	mark, err := x.m.mark()
	if err != nil {
		return user.User{}, err
	}
	x.spent = true
	before, done, err := x.m.Store.Update(ctx, x.ID.key(), spend(mark))
	switch {
	case err != nil:
		return user.User{}, fmt.Errorf("spend the flow: %w", err)
	case before == nil:
		return user.User{}, x.refuse(ReasonUnknown)
	case !spent(before, done, mark):
		return user.User{}, x.refuse(ReasonSpent)
	}
	parallel.Run(func() { after, err = x.effect(ctx, u) }, func() { _ = x.m.limiter.Release(ctx, x.person.Receipt) })
	switch {
	case errors.Is(err, user.ErrSuperseded):
		err = x.refuse(ReasonSuperseded)
	case errors.Is(err, user.ErrExists):
		err = x.refuse(ReasonTaken)
	}
	return after, err
}

// effect carries out the purpose of the flow. It makes one write unless a concurrent write
// interferes. A sign-up with an invitation also spends the invitation.
func (x *verification) effect(ctx context.Context, u user.User) (user.User, error) {
	switch {
	case x.Purpose == PurposeSignup:
		// Each flow makes one subject, so the subject also identifies the request.
		err := x.m.Users.Store.Create(ctx, u, string(u.ID))
		if err == nil && x.m.SignUp.Admit == AdmitInvited {
			x.m.spendInvite(ctx, x.invite(), x.at)
		}
		return u, err
	case x.person.Handed != "" && x.Purpose == PurposeReset:
		return x.m.Users.ReplaceHash(ctx, u.ID, u.TokenVersion, x.password)
	case x.person.Handed != "":
		return u, nil
	case x.Purpose == PurposeReset:
		return x.m.Users.ResetPassword(ctx, u, x.password)
	}
	return x.m.Users.VerifyEmail(ctx, u)
}

// keep handles an error before the end of the flow, and returns it. It records a right code, so
// that the next answer may leave it out. If the error decided nothing, keep gives back the try,
// even if a step failed before the code was compared. A login that a step denies costs a try, so
// that a second factor cannot be guessed without limit.
func (x *verification) keep(ctx context.Context, err error) error {
	var no *Refusal
	var refusal *login.Refusal
	var denial *login.Denial
	denied := errors.As(err, &denial)
	if x.spent || errors.As(err, &no) || errors.As(err, &refusal) || denied && !x.right {
		return err
	}
	u := giveBack(!denied, x.right)
	_, _, _ = x.m.Store.Update(context.WithoutCancel(ctx), x.ID.key(), u) // if the write fails, the try stays counted
	return err
}
