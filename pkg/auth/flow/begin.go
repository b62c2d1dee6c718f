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
	// Address is the client's address as the gateway reports it, never from a header. The zero Addr
	// is not limited by network.
	Address netip.Addr
	// Device is a known-device token, or empty. With it, the mails of a login or a reset count on
	// the owner's device, apart from the mails that strangers ask for.
	Device auth.Secret
	// Invite is the secret of an invitation, for a sign-up that needs one.
	Invite auth.Secret
	// Locale is the language that the client asks for. The locale claim of the user has precedence.
	Locale string
}

// Begun is the result of [Manager.Begin]. The client gets Session, Reference and ExpiresIn, which
// look the same whether or not the address has an account.
type Begun struct {
	Session   auth.Secret // the auth_session
	Reference string
	ExpiresIn time.Duration
	Message   mail.Message
	// Held says why no mail may be sent, and Class is the limit that the request counted on.
	// Subject is the user, and Account is the pseudonym of the address. These four are for the
	// audit log only.
	Held    Hold
	Class   Class
	Subject auth.SubjectID
	Account string

	taken []throttle.Slot
}

// Hold says why no mail may be sent. It is empty if a mail may be sent.
type Hold string

// The set of holds is closed.
const (
	HoldLimit    Hold = "limit"    // a limit holds the mail back
	HoldUnknown  Hold = "unknown"  // the address has no account
	HoldDisabled Hold = "disabled" // the user is disabled
	HoldClosed   Hold = "closed"   // the address may not sign up
	// HoldNoSender means that the deployment sends no mails.
	HoldNoSender Hold = "no_sender"
)

// Class is the limit of mails that a request counted on. If Held is HoldLimit, that limit was
// reached. Class is empty if the request counted on no limit, for example if the address may not
// sign up.
type Class string

// The set of classes is closed. Device, Address and Budget are fields of [Limits].
const (
	ClassDevice  Class = "device"  // Device: a login or reset on a known device of the user
	ClassAddress Class = "address" // Address: another login or reset
	ClassSignup  Class = "signup"  // Address, on the counter of sign-ups
	ClassBudget  Class = "budget"  // Budget: a sign-up, only if this limit was reached
)

// Begin starts a flow. The caller passes Begun.Message to the sender and answers with the other
// fields. Begin makes the same writes, reads and round trips whether or not the address has an
// account.
//
// The error wraps [user.ErrEmail] if the e-mail is not a usable address. It is a
// [*throttle.Exceeded] if the client's network has asked too often. Any other error wraps the error
// of a store.
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

// check validates the request and returns the key of its address.
func (r Request) check() (user.Email, error) {
	if _, ok := purposes[r.Purpose]; !ok {
		return "", fmt.Errorf("flow: %v is unknown (want signup, login or reset)", r.Purpose)
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

// beginning is the state of [Manager.Begin] for one request.
type beginning struct {
	Request
	m   *Manager
	key user.Email
	at  time.Time

	taken  []throttle.Slot
	sent   throttle.Slot // the attempt that the mail counts on
	held   Hold
	class  Class
	invite id // of the sign-up, or zero
	user   user.User
	known  bool // the address has an account
	// handed means that an operator hands over the code, so the code proves no mailbox.
	handed bool
}

// identify counts the request and finds the user, in the order of a login. First it counts on the
// network and reads the pointer in parallel. Then it counts the mail and reads the user in
// parallel. This order ensures that a network without requests left cannot use up the mails of an
// address. A request from a known device counts on that device alone while the device has mails
// left.
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
		return x.takeMail(ctx, x.addressClass(), x.address(), find)
	}
	if err := find(ctx); err != nil {
		return err
	}
	if x.known && device.Vouches(x.user) {
		own := throttle.Charge{Kind: "mail device", Text: device.ID, Limit: x.m.Limits.Device, At: x.at, Shared: true}
		if err := x.takeMail(ctx, ClassDevice, own, nil); err != nil || x.held == "" {
			return err
		}
		// A device without mails left must not bypass the limits of its network.
		return x.take(ctx, x.networks(), nil)
	}
	// The device belongs to another user, so it vouches for nothing here.
	if err := x.take(ctx, x.networks(), nil); err != nil {
		return err
	}
	return x.takeMail(ctx, x.addressClass(), x.address(), nil)
}

// admit holds back the mail of a sign-up that the rules do not admit, whether or not the address
// has an account.
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

// follow returns the subject that the address leads to, or a decoy, so that both cost the same
// read.
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

// find reads the user, or a decoy. The user counts as known only if the address still belongs to
// the user.
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

// address returns the charge of the address. Sign-ups have a separate counter, so a stranger who
// signs up with the address does not use up the owner's resets.
func (x *beginning) address() throttle.Charge {
	c := throttle.Charge{Kind: "mail", Text: string(x.key), Source: x.source(), Limit: x.m.Limits.Address, At: x.at, Shared: true}
	if x.Purpose == PurposeSignup {
		c.Kind = "mail signup"
	}
	return c
}

func (x *beginning) addressClass() Class {
	if x.Purpose == PurposeSignup {
		return ClassSignup
	}
	return ClassAddress
}

// source returns the site of the client, or an empty text if networks are not limited.
func (x *beginning) source() string {
	if site := throttle.Site(x.Address); site.IsValid() && x.m.Limits.Network != nil {
		return site.String()
	}
	return ""
}

// take makes reservations and runs beside in parallel; beside may be nil.
func (x *beginning) take(ctx context.Context, charges []throttle.Charge, beside func(context.Context) error) error {
	taken, err := parallel.Take(ctx, charges, x.m.limiter.Take, beside)
	x.taken = append(x.taken, taken...)
	return err
}

// takeMail counts the mail and runs beside in parallel; beside may be nil. If a limit is reached,
// takeMail holds back the mail and returns no error, because the answer must not reveal how many
// mails an address gets. A sign-up whose address has a mail left also counts on the budget of the
// deployment.
func (x *beginning) takeMail(ctx context.Context, class Class, c throttle.Charge, beside func(context.Context) error) error {
	if x.held != "" { // a refused sign-up must not use up the mails of an admitted one
		return x.take(ctx, nil, beside)
	}
	taken, err := parallel.Take(ctx, []throttle.Charge{c}, x.orHold, beside)
	x.taken = append(x.taken, taken...)
	if err != nil {
		return err
	}
	x.sent, x.class = taken[0], class
	if x.Purpose != PurposeSignup || x.held != "" {
		return nil
	}
	budget := throttle.Charge{Kind: "mail budget", Source: x.source(), Limit: x.m.Limits.Budget, At: x.at, Shared: true}
	slot, err := x.orHold(ctx, budget)
	x.taken = append(x.taken, slot)
	if x.held != "" {
		x.class = ClassBudget
	}
	return err
}

// orHold reserves an attempt. If the limit is reached, it holds back the mail.
func (x *beginning) orHold(ctx context.Context, c throttle.Charge) (throttle.Slot, error) {
	slot, err := x.m.limiter.Take(ctx, c)
	var exceeded *throttle.Exceeded
	if errors.As(err, &exceeded) {
		x.held = HoldLimit
		return throttle.Slot{}, nil
	}
	return slot, err
}

// undo releases all reservations of a flow that failed to begin.
func (x *beginning) undo(ctx context.Context) { x.m.release(ctx, x.taken) }

// release releases the reservations of attempts that were not made.
func (m *Manager) release(ctx context.Context, taken []throttle.Slot) {
	if len(taken) == 0 {
		return
	}
	ctx = context.WithoutCancel(ctx)
	parallel.Each(len(taken), func(i int) { _ = m.limiter.Settle(ctx, taken[i], throttle.EndingUndecided) })
}

// Withdraw releases the reservations of a flow whose message could not be handed to the sender, so
// that an outage of the sender does not use up the mails of an address. It reports no errors: a
// reservation that it cannot release stays counted.
func (m *Manager) Withdraw(ctx context.Context, b Begun) { m.release(ctx, b.taken) }
