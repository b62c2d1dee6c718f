package login

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/user"
)

// decide takes a login from its first slot to its settlement.
func (a *Authenticator) decide(ctx context.Context, c Credentials, reference string) (r Result, err error) {
	device, err := a.device(ctx, c.Device)
	if err != nil {
		return Result{}, err
	}
	// A login that stops before anything of the password is known leaves no trace in the counters: an outage must not
	// keep owners out when it is over, and what one counter refuses must not count on another.
	held, ending := slots{of: a.c.Attempts}, Undecided
	defer func() { held.settle(ctx, ending) }()
	u, found, err := a.identify(ctx, c, &device, &held)
	if err != nil {
		return Result{}, err
	}
	proof, err := a.prove(ctx, u, found, c.Password)
	if err != nil {
		return Result{}, err
	}
	if proof.no != nil {
		// A right password of a disabled user settles as a wrong one does: a counter that fell back would confirm it.
		ending = Failed
		return Result{}, proof.no
	}
	aged := a.c.Now().Sub(device.IssuedAt) >= renewDevice // a device that is unknown is as old as can be
	r = Result{User: u, Reference: reference, NewDevice: a.c.Keys != nil && aged && !u.MustChange}
	err = a.after(ctx, c, r)
	if err == nil && u.MustChange && a.c.Passwords != nil {
		r.Change, err = a.permitChange(ctx, u)
		if errors.Is(err, user.ErrSuperseded) || errors.Is(err, auth.ErrNotFound) {
			err = &Refusal{Reason: ReasonDisabled, Subject: u.ID}
		}
	}
	if err != nil {
		var denial *Denial
		var refusal *Refusal
		if errors.As(err, &denial) || errors.As(err, &refusal) {
			ending = Failed // or a second factor could be guessed without end
		}
		return Result{}, err
	}
	if proof.upgrade.Reveal() != "" {
		r.UpgradeErr = a.c.Passwords.UpgradeHash(ctx, u, proof.upgrade)
	}
	ending = Succeeded
	return r, nil
}

// after runs the deployment's step, and looks at the user once more behind it: it may wait for a person.
func (a *Authenticator) after(ctx context.Context, c Credentials, r Result) error {
	if a.c.Steps.After == nil {
		return nil
	}
	if err := a.c.Steps.After(ctx, c, r); err != nil {
		return err
	}
	now, err := a.c.Users.Get(ctx, r.User.ID)
	if err != nil && !errors.Is(err, auth.ErrNotFound) {
		return fmt.Errorf("read the user: %w", err)
	}
	if err != nil || now.Disabled || now.TokenVersion != r.User.TokenVersion {
		return &Refusal{Reason: ReasonDisabled, Subject: r.User.ID}
	}
	return nil
}

// device reads the known-device token. Junk counts as no token: a client whose token has ended must get in as a new device.
func (a *Authenticator) device(ctx context.Context, token auth.Secret) (voucher, error) {
	if a.c.Keys == nil || token.Reveal() == "" {
		return voucher{}, nil
	}
	v, err := a.tokens.parseDevice(ctx, token)
	if errors.Is(err, ErrNoToken) {
		return voucher{}, nil
	}
	return v, err
}

// identify takes the slots and follows the e-mail to its user, in two round trips: the network's and the site's slot
// beside the pointer, the account's beside the user. One after the other, so that a network that has no slot left cannot use up an account's.
// A known device has one slot of its own instead. Without a slot the read beside it is cancelled.
func (a *Authenticator) identify(ctx context.Context, c Credentials, device *voucher, held *slots) (u user.User, found bool, err error) {
	account, at := accountKey(c.Email), a.c.Now()
	byAccount := Attempt{Account: account, Network: network(c.Address), At: at}
	first := byNetwork(c.Address, at)
	if device.ID != (DeviceID{}) {
		first = []Attempt{{Device: device.ID, At: at}}
	}
	var to target
	err = held.take(ctx, first, func(ctx context.Context) (err error) {
		to, err = a.follow(ctx, account)
		return err
	})
	if err != nil {
		return user.User{}, false, err
	}
	find := func(ctx context.Context) (err error) {
		u, found, err = a.find(ctx, to)
		return err
	}
	if device.ID == (DeviceID{}) {
		err = held.take(ctx, []Attempt{byAccount}, find)
		return u, found, err
	}
	if err := find(ctx); err != nil || found && device.vouchesFor(u.ID, u.TokenVersion) {
		return u, found, err
	}
	// A device that is known for one account buys no guess at another account, nor at an unknown e-mail. The
	// device's slot stays counted: this is no mistake that an honest client makes often.
	*device = voucher{}
	held.leave()
	for _, attempts := range [][]Attempt{byNetwork(c.Address, at), {byAccount}} {
		if err := held.take(ctx, attempts, nil); err != nil {
			return user.User{}, false, err
		}
	}
	return u, found, nil
}

// target is where an e-mail led.
type target struct {
	subject auth.SubjectID // a decoy if the e-mail is unknown
	known   bool
}

// follow returns whom the pointer names, or a decoy.
func (a *Authenticator) follow(ctx context.Context, key user.Email) (target, error) {
	id, err := a.c.Users.ByPointer(ctx, key.Pointer())
	switch {
	case errors.Is(err, auth.ErrNotFound):
		return target{subject: decoySubject(key)}, nil
	case err != nil:
		return target{}, fmt.Errorf("look up the e-mail: %w", err)
	}
	return target{subject: id, known: true}, nil
}

// find reads the user. A user who is found under a decoy is not found.
func (a *Authenticator) find(ctx context.Context, to target) (u user.User, found bool, err error) {
	u, err = a.c.Users.Get(ctx, to.subject)
	switch {
	case errors.Is(err, auth.ErrNotFound):
		return user.User{}, false, nil
	case err != nil:
		return user.User{}, false, fmt.Errorf("read the user: %w", err)
	}
	return u, to.known, nil
}

// hashWait is how long a login waits for its turn to hash.
const hashWait = 5 * time.Second

// proof is what a password came to.
type proof struct {
	no      *Refusal
	upgrade auth.Secret // the hash in today's form, where the stored one is of an old one
}

// prove judges in its turn to hash, and makes the new hash for an old one in the same turn.
func (a *Authenticator) prove(ctx context.Context, u user.User, found bool, given auth.Secret) (p proof, err error) {
	err = a.inTurn(ctx, func() error {
		var outdated bool
		p.no, outdated = a.judge(u, found, given)
		// A user who must change the password gets a new hash by that change.
		if p.no != nil || !outdated || a.c.Passwords == nil || u.MustChange {
			return nil
		}
		p.upgrade, err = a.c.Hasher.Hash(given)
		return err
	})
	return p, err
}

// inTurn runs f, which hashes, under the hashing semaphore. A login waits for its turn a while: a flood of logins must
// take neither all memory nor the time of all. Without a turn nothing was decided. f must not do I/O: a turn that is held
// over a slow list or store would stop every login.
func (a *Authenticator) inTurn(ctx context.Context, f func() error) error {
	ctx, cancel := context.WithTimeout(ctx, hashWait)
	defer cancel()
	select {
	case a.hashing <- struct{}{}:
		defer func() { <-a.hashing }()
		return f()
	case <-ctx.Done():
		return fmt.Errorf("too many logins at once: %w", auth.ErrUnavailable)
	}
}

// judge does exactly one hash in every case. It returns no refusal if the password is right.
func (a *Authenticator) judge(u user.User, found bool, given auth.Secret) (no *Refusal, outdated bool) {
	if !found {
		a.c.Hasher.Waste(given)
		return &Refusal{Reason: ReasonUnknown}, false
	}
	if u.Password.Reveal() == "" {
		a.c.Hasher.Waste(given)
		return &Refusal{Reason: ReasonNoPassword, Subject: u.ID}, false
	}
	result, err := a.c.Hasher.Verify(u.Password, given)
	switch {
	case err != nil:
		// Told apart from a wrong password, a damaged hash would tell that the account exists.
		a.c.Hasher.Waste(given)
		return &Refusal{Reason: ReasonUnreadable, Subject: u.ID, cause: err}, false
	case !result.Match:
		return &Refusal{Reason: ReasonWrongPassword, Subject: u.ID}, false
	case u.Disabled:
		return &Refusal{Reason: ReasonDisabled, Subject: u.ID}, false
	}
	// The hash of a partial match could be that of a wrong password, and would lock out the right one.
	return nil, result.Outdated && !result.Partial
}
