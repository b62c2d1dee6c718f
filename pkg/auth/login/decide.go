package login

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/edgeauth/edgeauth/internal/parallel"
	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/throttle"
	"github.com/edgeauth/edgeauth/pkg/auth/user"
)

// decide runs a login from its first reservation to its settlement. known reports whether the login
// came from a known device. decide writes to at when the hash began.
func (a *Authenticator) decide(ctx context.Context, c Credentials, reference string, at *timing) (r Result, known bool, err error) {
	device, err := a.device(ctx, c.Device)
	if err != nil {
		return Result{}, false, err
	}
	held := slots{of: a.attempts}
	defer func() {
		held.settle(ctx, endingOf(err))
		a.noteForm(context.WithoutCancel(ctx))
	}()
	return a.enter(ctx, c, reference, func(ctx context.Context) (e entry, err error) {
		u, found, err := a.identify(ctx, c, &device, &held)
		e = entry{Proof: Proof{User: u, AMR: []string{methodPassword}}, device: device}
		if err != nil {
			return e, err
		}
		// Every login waits for a measurement, so the wait reveals nothing about this account.
		if at.measured, err = a.measureForms(ctx); err != nil {
			return e, err
		}
		proof, err := a.prove(ctx, u, found, c.Password, at)
		if err == nil && proof.no != nil {
			err = proof.no
		}
		e.upgrade = proof.upgrade
		return e, err
	})
}

// endingOf returns how the attempts of a login end. A login that stops before the password is
// checked leaves no trace in the counters: an outage must not throttle owners after it ends, and a
// refusal by one counter must not count on another. The correct password of a disabled user, and a
// login that a step denies, settle as failures: a counter that resets would confirm the password,
// and a second factor could be guessed without limit.
func endingOf(err error) throttle.Ending {
	var denial *Denial
	var refusal *Refusal
	switch {
	case err == nil, errors.Is(err, ErrPasswordChangeRequired):
		return throttle.EndingSucceeded
	case errors.As(err, &denial), errors.As(err, &refusal) && refusal.Reason != ReasonThrottled:
		return throttle.EndingFailed
	}
	return throttle.EndingUndecided
}

// methodPassword is the method of a password check (RFC 8176, section 2).
const methodPassword = "pwd"

// device parses the known-device token. An invalid token counts as no token, so that a client with
// an expired token can log in as a new device.
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

// identify reserves the attempts and finds the user of the e-mail, in two round trips: first the
// counters of network and site and in parallel the pointer, then the counter of the account and in
// parallel the user. The order ensures that a network without free attempts cannot use up the
// attempts of an account. A known device has a separate counter instead. If a reservation fails,
// the parallel read is cancelled.
func (a *Authenticator) identify(ctx context.Context, c Credentials, device *voucher, held *slots) (u user.User, found bool, err error) {
	account, at := accountKey(c.Email), a.c.Now()
	byAccount := attempt{Account: account, Network: throttle.Network(c.Address), At: at}
	first := byNetwork(c.Address, at)
	if device.ID != (deviceID{}) {
		first = []attempt{{Device: device.ID, At: at}}
	}
	var to target
	err = held.take(ctx, first, func(ctx context.Context) (err error) {
		if !a.forms.start() {
			to, err = a.follow(ctx, c.Email, account)
			return err
		}
		var formsErr error
		parallel.Run(func() { to, err = a.follow(ctx, c.Email, account) }, func() { formsErr = a.forms.read(ctx) })
		return cmp.Or(err, formsErr)
	})
	if err != nil {
		return user.User{}, false, err
	}
	find := func(ctx context.Context) (err error) {
		u, found, err = a.find(ctx, to)
		return err
	}
	if device.ID == (deviceID{}) {
		err = held.take(ctx, []attempt{byAccount}, find)
		return u, found, err
	}
	if err := find(ctx); err != nil || found && device.vouchesFor(u.ID, u.TokenVersion) {
		return u, found, err
	}
	// A device that is known for one account must not give a free guess at another account or at an
	// unknown e-mail. The attempt stays counted on the device too; honest clients rarely make this
	// mistake.
	*device = voucher{}
	held.leave()
	for _, attempts := range [][]attempt{byNetwork(c.Address, at), {byAccount}} {
		if err := held.take(ctx, attempts, nil); err != nil {
			return user.User{}, false, err
		}
	}
	return u, found, nil
}

// target is the result of the e-mail lookup.
type target struct {
	subject auth.SubjectID // a decoy if the e-mail is unknown
	known   bool
}

// follow returns the subject that the e-mail leads to, or a decoy.
func (a *Authenticator) follow(ctx context.Context, email string, key user.Email) (target, error) {
	id, err := a.c.Users.ByEmail(ctx, email)
	switch {
	case errors.Is(err, auth.ErrNotFound):
		return target{subject: DecoySubject(key)}, nil
	case err != nil:
		return target{}, fmt.Errorf("look up the e-mail: %w", err)
	}
	return target{subject: id, known: true}, nil
}

// find reads the user. found is false for a decoy, even if a user has its subject.
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

// hashWait is the maximum time that a login waits for the hashing semaphore.
const hashWait = 5 * time.Second

// proof is the result of a password check.
type proof struct {
	no      *Refusal
	upgrade auth.Secret // the new hash, if the stored one is outdated
}

// prove checks the password under the hashing semaphore, and replaces an outdated hash while it
// holds it.
func (a *Authenticator) prove(ctx context.Context, u user.User, found bool, given auth.Secret, at *timing) (p proof, err error) {
	err = a.inTurn(ctx, func() error {
		at.hashed = time.Now()
		var outdated bool
		p.no, outdated = a.judge(u, found, given)
		a.forms.observe(time.Since(at.hashed))
		// A required password change will replace the hash, and the gate refuses a disabled user.
		if p.no != nil || !outdated || a.passwords == nil || u.MustChange || u.Disabled {
			return nil
		}
		p.upgrade, err = a.c.Hasher.Hash(given)
		return err
	})
	return p, err
}

// inTurn runs f under the hashing semaphore, so that a flood of logins cannot exhaust memory or
// CPU. It waits at most hashWait and then returns auth.ErrUnavailable before anything is decided. f
// must not do I/O: a slow store or list would block every login.
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

// judge computes exactly one hash in every case. It returns a nil Refusal if the password is
// correct.
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
		// A damaged hash must look like a wrong password, or the answer would reveal that the
		// account exists.
		a.c.Hasher.Waste(given)
		return &Refusal{Reason: ReasonUnreadable, Subject: u.ID, cause: err}, false
	case !result.Match:
		return &Refusal{Reason: ReasonWrongPassword, Subject: u.ID}, false
	}
	// The hash of a partial match could be the hash of a wrong password, and would lock out the
	// correct one.
	return nil, result.Outdated && !result.Partial
}
