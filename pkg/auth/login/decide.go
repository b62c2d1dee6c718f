package login

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/user"
)

// decide takes a login from its slot to its settlement.
func (a *Authenticator) decide(ctx context.Context, c Credentials) (Result, error) {
	device, err := a.device(ctx, c.Device)
	if err != nil {
		return Result{}, err
	}
	attempt := Attempt{Account: accountKey(c.Email), Network: network(c.Address), Device: device.ID, At: a.c.Now()}
	slot, account, err := a.begin(ctx, attempt)
	if err != nil {
		return Result{}, err
	}
	u, found, err := a.find(ctx, account)
	if err != nil {
		return Result{}, err
	}
	if device.ID != (DeviceID{}) && !(found && device.vouchesFor(u.ID, u.TokenVersion)) {
		// A device that is known for one's own account buys no guess at another's, nor at an e-mail that nobody has. The
		// device's slot stays counted: this is no mistake that an honest client makes often.
		device, attempt.Device = voucher{}, DeviceID{}
		if slot, err = a.take(ctx, attempt); err != nil {
			return Result{}, err
		}
	}
	refusal, upgradeErr, err := a.prove(ctx, u, found, c.Password)
	if err != nil {
		return Result{}, err
	}
	// A right password of a disabled user settles as a wrong one does: a counter that fell back would confirm it.
	_ = a.c.Attempts.Settle(ctx, slot, refusal == nil)
	if refusal != nil {
		return Result{}, refusal
	}
	aged := a.c.Now().Sub(device.IssuedAt) >= renewDevice // a device that is unknown is as old as can be
	return Result{User: u, NewDevice: a.c.Keys != nil && aged, UpgradeErr: upgradeErr}, nil
}

// device reads the known-device token. Junk is none: a client whose token has come to its end must get in as anybody.
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

// account is where an e-mail led.
type account struct {
	subject auth.SubjectID // a decoy where nobody has the e-mail
	known   bool
}

// begin takes the slot while it reads the pointer. Without a slot the read is cancelled, and begin still sees it end.
func (a *Authenticator) begin(ctx context.Context, attempt Attempt) (slot Slot, to account, err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var takeErr, readErr error
	parallel(func() {
		granted := false
		defer func() { // also where the counter panics
			if !granted {
				cancel()
			}
		}()
		slot, takeErr = a.take(ctx, attempt)
		granted = takeErr == nil
	}, func() {
		to, readErr = a.follow(ctx, attempt.Account)
	})
	if takeErr != nil {
		return Slot{}, account{}, takeErr
	}
	return slot, to, readErr
}

func (a *Authenticator) take(ctx context.Context, attempt Attempt) (Slot, error) {
	slot, err := a.c.Attempts.Take(ctx, attempt)
	if err != nil {
		return Slot{}, fmt.Errorf("take a slot: %w", err)
	}
	return slot, nil
}

// follow returns whom the pointer names, or a decoy.
func (a *Authenticator) follow(ctx context.Context, key user.Email) (account, error) {
	id, err := a.c.Users.ByEmail(ctx, key)
	switch {
	case errors.Is(err, auth.ErrNotFound):
		return account{subject: decoySubject(key)}, nil
	case err != nil:
		return account{}, fmt.Errorf("look up the e-mail: %w", err)
	}
	return account{subject: id, known: true}, nil
}

// find reads the user. Whoever is found under a decoy is not the one who was asked for.
func (a *Authenticator) find(ctx context.Context, to account) (u user.User, found bool, err error) {
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

// prove judges in its turn to hash, and has an old hash upgraded in the same turn: that is another hash.
func (a *Authenticator) prove(ctx context.Context, u user.User, found bool, given auth.Secret) (no *Refusal, upgradeErr, err error) {
	if err := a.waitToHash(ctx); err != nil {
		return nil, nil, err
	}
	defer func() { <-a.hashing }()
	no, outdated := a.judge(u, found, given)
	// Whoever must change the password gets a new hash by that.
	if no == nil && outdated && a.c.Passwords != nil && !u.MustChange {
		upgradeErr = a.c.Passwords.Rehash(ctx, u, given)
	}
	return no, upgradeErr, nil
}

// waitToHash waits for a turn, for a while: a flood of logins must take neither all memory nor everybody's time.
// Where it does not get one, nothing was decided.
func (a *Authenticator) waitToHash(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, hashWait)
	defer cancel()
	select {
	case a.hashing <- struct{}{}:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("too many logins at once: %w", auth.ErrUnavailable)
	}
}

// judge does exactly one hash, whatever it finds, and returns nil for a yes.
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
	return nil, result.Outdated
}
