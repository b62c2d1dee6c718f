package login

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/user"
)

// Proof is what a login without a password has proven about a user, for [Authenticator.Admit].
type Proof struct {
	// User is the user as read when the proof was checked.
	User user.User
	// New means that the account does not exist yet: User is the user that Commit creates.
	New bool
	// AMR are the methods of the proof (RFC 8176), for example otp.
	AMR []string
	// Commit makes the proof unusable and carries out its purpose, for example stores a new
	// password. It returns the user afterwards. It runs after every step has allowed the login and
	// before a token is issued. nil does nothing.
	Commit func(ctx context.Context) (user.User, error)
}

// Admit logs in a user who proves their identity by other means than a password. It passes the same
// gate as [Authenticator.Login]: Steps.Before, the proof, the check for disabled users,
// Steps.After, Proof.Commit, a required change of the password, and the known device. Admit counts
// no attempt, so prove must limit attempts. c.Password is ignored.
//
// The errors are those of prove and Commit and, as in Login, a [*Refusal] with ReasonDisabled, a
// [*Denial], and [ErrPasswordChangeRequired] with a Result.
func (a *Authenticator) Admit(ctx context.Context, c Credentials, prove func(ctx context.Context) (Proof, error)) (Result, error) {
	reference, err := a.Reference(ctx, c.Email)
	if err != nil {
		return Result{}, err
	}
	device, err := a.device(ctx, c.Device)
	if err != nil {
		return Result{}, err
	}
	r, known, err := a.enter(ctx, c, reference, func(ctx context.Context) (entry, error) {
		p, err := prove(ctx)
		if !device.vouchesFor(p.User.ID, p.User.TokenVersion) {
			device = voucher{}
		}
		return entry{Proof: p, device: device}, err
	})
	var refusal *Refusal
	if errors.As(err, &refusal) {
		no := *refusal
		no.Reference, no.KnownDevice = reference, known
		return Result{}, &no
	}
	return r, err
}

// entry is a Proof together with the device and the new hash of a login.
type entry struct {
	Proof
	device  voucher     // the known device, or the zero voucher
	upgrade auth.Secret // the hash of the proven password with today's parameters, or empty
}

// enter is the one gate of all logins. The caller opens a session only if enter returns no error.
// known reports whether the login came from a known device.
func (a *Authenticator) enter(
	ctx context.Context, c Credentials, reference string, prove func(ctx context.Context) (entry, error),
) (r Result, known bool, err error) {
	if err := a.c.Steps.before(ctx, c); err != nil {
		return Result{}, false, named(err, "", reference)
	}
	e, err := prove(ctx)
	known = e.device.ID != (deviceID{})
	denied := func(err error) (Result, bool, error) {
		return Result{KnownDevice: known}, known, named(err, e.User.ID, reference)
	}
	if err != nil {
		return denied(err)
	}
	if e.User.Disabled {
		return denied(&Refusal{Reason: ReasonDisabled, Subject: e.User.ID})
	}
	r = Result{User: e.User, AMR: e.AMR, Reference: reference, KnownDevice: known, NewDevice: a.isNew(e.User, e.device)}
	methods, err := a.after(ctx, c, r, e.New)
	if err != nil {
		return denied(err)
	}
	r.AMR = slices.Concat(e.AMR, methods)
	if e.Commit != nil {
		if r.User, err = e.Commit(ctx); err != nil {
			return denied(err)
		}
		r.NewDevice = a.isNew(r.User, e.device)
	}
	if r.MustChange {
		if r.Change, err = a.demandChange(ctx, r.User); err != nil {
			return denied(err)
		}
		return r, known, ErrPasswordChangeRequired
	}
	if e.upgrade.Reveal() != "" {
		a.noteForm(ctx)
		r.UpgradeErr = a.passwords.UpgradeHash(ctx, r.User, e.upgrade)
	}
	return r, known, nil
}

// isNew reports whether the client should get a known-device token.
func (a *Authenticator) isNew(u user.User, device voucher) bool {
	known := device.vouchesFor(u.ID, u.TokenVersion) && a.c.Now().Sub(device.IssuedAt) < renewDevice
	return a.c.Keys != nil && !known && !u.MustChange
}

// after runs Steps.After and then reads the user again, because the step may wait for a person. A
// new account has no user to read.
func (a *Authenticator) after(ctx context.Context, c Credentials, r Result, isNew bool) (methods []string, err error) {
	if a.c.Steps.After == nil {
		return nil, nil
	}
	if methods, err = a.c.Steps.After(ctx, c, r); err != nil || isNew {
		return methods, err
	}
	now, err := a.c.Users.Get(ctx, r.User.ID)
	if err != nil && !errors.Is(err, auth.ErrNotFound) {
		return nil, fmt.Errorf("read the user: %w", err)
	}
	if err != nil || now.Disabled || now.TokenVersion != r.User.TokenVersion {
		return nil, &Refusal{Reason: ReasonDisabled, Subject: r.User.ID}
	}
	return methods, nil
}

// demandChange returns a token with which the user can make a required password change, or an empty
// token without Config.Passwords.
func (a *Authenticator) demandChange(ctx context.Context, u user.User) (auth.Secret, error) {
	if a.passwords == nil {
		return auth.Secret{}, nil
	}
	token, err := a.permitChange(ctx, u)
	if errors.Is(err, user.ErrSuperseded) || errors.Is(err, auth.ErrNotFound) {
		err = &Refusal{Reason: ReasonDisabled, Subject: u.ID}
	}
	return token, err
}
