package flow

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"github.com/edgeauth/edgeauth/internal/parallel"
	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/login"
	"github.com/edgeauth/edgeauth/pkg/auth/mail"
	"github.com/edgeauth/edgeauth/pkg/auth/throttle"
	"github.com/edgeauth/edgeauth/pkg/auth/user"
)

// Request asks for a code.
type Request struct {
	Purpose Purpose
	Client  auth.ClientID // the client that will hold the session
	Email   string
	// Address is the client's address as the gateway reports it, never from a header. The zero Addr is
	// not limited by network.
	Address netip.Addr
	// Device is a known-device token, or empty. For a login and a reset it keeps the owner's mails
	// apart from those that strangers ask for.
	Device auth.Secret
	// Invite is the secret of an invitation, for a sign-up that needs one.
	Invite auth.Secret
	// Locale is the language that the client asks for. The user's own, if there is one, has precedence.
	Locale string
}

// Begun is a flow that has begun. Session, Reference and ExpiresIn are for the client, and look alike
// whether or not the address has an account.
type Begun struct {
	Session   auth.Secret // the auth_session
	Reference string
	ExpiresIn time.Duration
	Message   mail.Message
	// Held says why no mail is to leave. Subject is the user, and Account the pseudonym of the address.
	// The three are for the audit log only.
	Held    Hold
	Subject auth.SubjectID
	Account string

	taken []throttle.Slot
}

// Hold says why no mail is to leave. It is empty if one is.
type Hold string

// The set of holds is closed.
const (
	HoldLimit    Hold = "limit"    // a limit holds the mail back
	HoldUnknown  Hold = "unknown"  // the address has no account, or another one than the request asks about
	HoldDisabled Hold = "disabled" // the user is disabled
	HoldClosed   Hold = "closed"   // the address may not sign up
	// HoldNoSender means that the deployment sends no mails.
	HoldNoSender Hold = "no_sender"
)

// Begin begins a flow. The caller passes Begun.Message to the sender and answers with the other
// fields. The same writes, reads and round trips happen whether or not the address has an account.
//
// The error wraps [user.ErrEmail] if the text is not a usable address, and is a [*throttle.Exceeded]
// if the network has asked too often. Any other error wraps the error of a store.
func (m *Manager) Begin(ctx context.Context, r Request) (b Begun, err error) {
	key, err := r.check()
	if err != nil {
		return Begun{}, err
	}
	x := beginning{m: m, Request: r, key: key, at: m.Now()}
	defer func() {
		if err != nil {
			x.undo(ctx)
		}
	}()
	if err := x.identify(ctx); err != nil {
		return Begun{}, err
	}
	return x.store(ctx)
}

// check returns the key of the address.
func (r Request) check() (user.Email, error) {
	if _, ok := purposes[r.Purpose]; !ok {
		return "", fmt.Errorf("flow: %v is unknown", r.Purpose)
	}
	if r.Client == "" || len(r.Client) > maxClientBytes {
		return "", fmt.Errorf("flow: the client has %d bytes (want 1 to %d)", len(r.Client), maxClientBytes)
	}
	if r.Purpose == PurposeSignup { // mail goes to the text as it was sent
		if err := user.CheckEmail(r.Email); err != nil {
			return "", err
		}
	}
	return user.NormalizeEmail(r.Email)
}

// beginning is a flow that begins.
type beginning struct {
	Request
	m   *Manager
	key user.Email
	at  time.Time

	taken  []throttle.Slot
	sent   throttle.Slot // the attempt that the mail counts on
	held   Hold
	invite id // of the sign-up, or zero
	user   user.User
	known  bool // the address has an account
	// handed means that an operator hands the code over, so it proves no mailbox.
	handed bool
}

// identify counts the request and finds the user, in the order of a login: the counter of the network
// and in parallel the pointer, then the counter of the mails and in parallel the user. A network
// without requests left cannot use up the mails of an address. On a known device only its own counter
// counts, while it has mails left.
func (x *beginning) identify(ctx context.Context) error {
	device, err := x.device(ctx)
	if err != nil {
		return err
	}
	byNetwork := x.networks()
	if device.ID != "" {
		byNetwork = nil
	}
	var subject auth.SubjectID
	err = x.take(ctx, byNetwork, func(ctx context.Context) (err error) {
		subject, err = x.follow(ctx)
		return err
	})
	if err != nil {
		return err
	}
	if err := x.admit(ctx); err != nil {
		return err
	}
	find := func(ctx context.Context) error { return x.find(ctx, subject) }
	if device.ID == "" {
		return x.takeMail(ctx, x.address(), find)
	}
	if err := find(ctx); err != nil {
		return err
	}
	if x.known && device.Vouches(x.user) {
		own := throttle.Charge{Kind: "mail device", Text: device.ID, Limit: x.m.Limits.Device, At: x.at, Shared: true}
		if err := x.takeMail(ctx, own, nil); err != nil || x.held == "" {
			return err
		}
		// A device without mails left is no way round the limits of its network.
		return x.take(ctx, x.networks(), nil)
	}
	// Another's device vouches for nothing here.
	if err := x.take(ctx, x.networks(), nil); err != nil {
		return err
	}
	return x.takeMail(ctx, x.address(), nil)
}

// admit holds back the mail of a sign-up that is not admitted, whether or not the address has an
// account.
func (x *beginning) admit(ctx context.Context) (err error) {
	if x.Purpose != PurposeSignup {
		return nil
	}
	if x.m.SignUp.Admit == AdmitInvited {
		if x.invite, err = x.m.parseInvite(x.Invite); err != nil {
			return err
		}
	}
	ok, err := x.m.admits(ctx, Newcomer{Email: x.key, Client: x.Client, Address: x.Address}, x.invite, x.at)
	if err == nil && !ok {
		x.held = HoldClosed
	}
	return err
}

// follow returns the subject that the address leads to, or a decoy, so that both cost the same read.
func (x *beginning) follow(ctx context.Context) (auth.SubjectID, error) {
	subject, err := x.m.Users.Store.ByEmail(ctx, x.Email)
	switch {
	case errors.Is(err, auth.ErrNotFound):
		return login.DecoySubject(x.key), nil
	case err != nil:
		return "", fmt.Errorf("look up the e-mail: %w", err)
	}
	x.known = true
	return subject, nil
}

// device returns the known device of the request. A sign-up has no device.
func (x *beginning) device(ctx context.Context) (login.KnownDevice, error) {
	if x.Purpose == PurposeSignup {
		return login.KnownDevice{}, nil
	}
	return x.m.Gate.ReadDevice(ctx, x.Device)
}

// find reads the user, or a decoy. The user counts as known only if the address is theirs now.
func (x *beginning) find(ctx context.Context, subject auth.SubjectID) error {
	u, found, err := x.m.read(ctx, subject)
	if err != nil {
		return err
	}
	key, _ := user.NormalizeEmail(u.Email)
	if x.known = x.known && found && key == x.key; x.known {
		x.user = u
	}
	return nil
}

// networks returns the charges of the client's network and, for IPv6, of its site.
func (x *beginning) networks() (all []throttle.Charge) {
	network, site, limits := throttle.Network(x.Address), throttle.Site(x.Address), x.m.Limits
	if network.IsValid() && limits.Network != nil {
		all = append(all, throttle.Charge{Kind: "code network", Text: network.String(), Limit: *limits.Network, At: x.at, Shared: true})
	}
	if site.IsValid() && site.Addr().Is6() && limits.Site != nil {
		all = append(all, throttle.Charge{Kind: "code site", Text: site.String(), Limit: *limits.Site, At: x.at, Shared: true})
	}
	return all
}

// address returns the charge of the address. Sign-ups have counters of their own, so a stranger who
// signs the address up does not use up the owner's resets.
func (x *beginning) address() throttle.Charge {
	c := throttle.Charge{Kind: "mail", Text: string(x.key), Source: x.source(), Limit: x.m.Limits.Address, At: x.at, Shared: true}
	if x.Purpose == PurposeSignup {
		c.Kind = "mail signup"
	}
	return c
}

// source returns the site of the client, or an empty text if networks are not limited.
func (x *beginning) source() string {
	if site := throttle.Site(x.Address); site.IsValid() && x.m.Limits.Network != nil {
		return site.String()
	}
	return ""
}

// take makes reservations and runs beside in parallel, which may be nil.
func (x *beginning) take(ctx context.Context, charges []throttle.Charge, beside func(context.Context) error) error {
	taken, err := parallel.Take(ctx, charges, x.m.limiter.Take, beside)
	x.taken = append(x.taken, taken...)
	return err
}

// takeMail counts the mail and runs beside in parallel, which may be nil. A limit holds the mail back
// and is no error, because the answer must not tell how many mails an address gets. A sign-up counts
// on the deployment's budget too, when its address has a mail left.
func (x *beginning) takeMail(ctx context.Context, c throttle.Charge, beside func(context.Context) error) error {
	if x.held != "" { // a sign-up that is not admitted uses up no mail of one that is
		return x.take(ctx, nil, beside)
	}
	taken, err := parallel.Take(ctx, []throttle.Charge{c}, x.orHold, beside)
	x.taken = append(x.taken, taken...)
	if err != nil {
		return err
	}
	x.sent = taken[0]
	if x.Purpose != PurposeSignup || x.held != "" {
		return nil
	}
	budget := throttle.Charge{Kind: "mail budget", Source: x.source(), Limit: x.m.Limits.Budget, At: x.at, Shared: true}
	slot, err := x.orHold(ctx, budget)
	x.taken = append(x.taken, slot)
	return err
}

// orHold reserves an attempt. If the limit is reached, it holds the mail back.
func (x *beginning) orHold(ctx context.Context, c throttle.Charge) (throttle.Slot, error) {
	slot, err := x.m.limiter.Take(ctx, c)
	var exceeded *throttle.Exceeded
	if errors.As(err, &exceeded) {
		x.held = HoldLimit
		return throttle.Slot{}, nil
	}
	return slot, err
}

// undo releases all reservations of a flow that could not begin.
func (x *beginning) undo(ctx context.Context) { x.m.release(ctx, x.taken) }

// release releases reservations of attempts that were not made.
func (m *Manager) release(ctx context.Context, taken []throttle.Slot) {
	if len(taken) == 0 {
		return
	}
	ctx = context.WithoutCancel(ctx)
	parallel.Each(len(taken), func(i int) { _ = m.limiter.Settle(ctx, taken[i], throttle.EndingUndecided) })
}

// Withdraw releases the reservations of a flow whose message could not be handed over, so that the
// outage of a sender does not use up the mails of an address. It reports no errors: what it cannot
// release stays counted.
func (m *Manager) Withdraw(ctx context.Context, b Begun) { m.release(ctx, b.taken) }
