package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/edgeauth/edgeauth/internal/keyrings"
	"github.com/edgeauth/edgeauth/pkg/auth"
)

const (
	// patience is how long the function retries a service that does not answer, or denies access:
	// IAM takes a while to publish a new role.
	patience = time.Minute
	pause    = 2 * time.Second
	settles  = 50 * time.Millisecond // time after which a write can usually be read

	// maxJWKS leaves room in Lambda's 4 KB of environment, which contains the key set.
	maxJWKS = 2800
)

// task is one Create or Update.
type task struct {
	request string // the RequestId, which CloudFormation and Lambda keep in a repetition
	stack   string // the id of the requesting stack, which is also this function's stack
	replyTo string // the URL for the answer; it contains the time of the request
	create  bool
	properties
	before map[string]any // the properties of the previous deployment
}

// ring is one of the three rings, with the source that keeps it.
type ring struct {
	keyrings.Ring
	at  keyrings.Source
	arn string
}

// rings are the three rings of a stack, in the order in which they are written. The signing ring is
// the last, because it records the request.
type rings [3]ring

const (
	refreshAt = iota
	loginAt
	signingAt
)

// carryOut brings the rings to the state that t requests, and returns the data for the template.
// The data is read after nothing is left to do. So neither a lost reply nor a concurrent request
// can make the answer name missing keys.
func (h *handler) carryOut(ctx context.Context, t task) (map[string]any, error) {
	for until := h.now().Add(patience); ; {
		data, err := h.attempt(ctx, t)
		passing := errors.Is(err, auth.ErrUnavailable) || errors.Is(err, keyrings.ErrConflict) || errors.Is(err, errWritten)
		written := errors.Is(err, errWritten) // finish after a write, even if the time is up
		if !passing || !written && !h.now().Before(until) {
			return data, err
		}
		wait := pause
		if written {
			wait = settles
		}
		if h.sleep(ctx, wait); ctx.Err() != nil {
			return nil, fmt.Errorf("the time of this function ran out: %w", err)
		}
	}
}

// errWritten says that the rings have changed and must be read again.
var errWritten = errors.New("the rings have changed")

// attempt reads the rings and writes the changed rings. All three moves must be permitted before
// the first write.
func (h *handler) attempt(ctx context.Context, t task) (map[string]any, error) {
	now, err := h.loadAll(ctx, t)
	if err != nil {
		return nil, err
	}
	m := keyrings.Move{
		Version: t.version, Algorithm: t.algorithm, Request: t.request, Drop: t.drop, Stack: t.stack, TakeOver: t.takeOver,
	}
	m.DropRefresh, m.DropLogin = t.dropRefresh, t.dropLogin
	m.Drop.Still, m.DropRefresh.Still, m.DropLogin.Still = t.droppedAll(dropKeys), t.droppedAll(dropRefreshKeys), t.droppedAll(dropLoginKeys)
	m.Immediately = now[refreshAt].Leaves(m) || now[loginAt].Leaves(m)
	if err := t.mayTake(now, m); err != nil {
		return nil, err
	}
	next, at := now, h.now()
	changed := false
	for i := range next {
		if next[i].Ring, err = now[i].Move(m, at, h.random); err != nil {
			return nil, err
		}
		changed = changed || next[i].Serial != now[i].Serial
	}
	if err := t.checkValues(next); err != nil {
		return nil, err
	}
	if !changed {
		return t.answer(now)
	}
	if _, err := t.answer(next); err != nil {
		return nil, err // after a write it would be too late
	}
	// The request may have waited for a minute.
	if given := givenUp(t.replyTo, at); given != "" {
		return nil, errors.New(given)
	}
	for i := range next {
		if err := now[i].save(ctx, next[i].Ring); err != nil {
			return nil, err
		}
	}
	return nil, errWritten
}

// droppedAll reports whether the previous deployment requested a drop of all keys.
func (t task) droppedAll(property string) bool {
	text, _ := t.before[property].(string)
	before, _ := parseDrop(text) // a malformed text requested no drop
	return before.All
}

func (h *handler) loadAll(ctx context.Context, t task) (all rings, err error) {
	for i, r := range [...]struct {
		kind keyrings.Kind
		arn  string
	}{
		refreshAt: {keyrings.RefreshRing, t.refreshKeys},
		loginAt:   {keyrings.LoginRing, t.loginRing},
		signingAt: {keyrings.SigningRing, t.signingRing},
	} {
		if all[i], err = h.load(ctx, r.kind, r.arn); err != nil {
			return rings{}, err
		}
	}
	return all, nil
}

// save writes the next state of a ring if it has changed.
func (r ring) save(ctx context.Context, next keyrings.Ring) error {
	if next.Serial == r.Serial {
		return nil
	}
	return keyrings.Save(ctx, r.at, next)
}

// load reads a ring. A secret that CloudFormation has just created has no value, and counts as a
// ring without keys.
func (h *handler) load(ctx context.Context, kind keyrings.Kind, arn string) (ring, error) {
	r := ring{at: h.secret(arn), arn: arn}
	var err error
	r.Ring, err = keyrings.Load(ctx, r.at, kind)
	if errors.Is(err, auth.ErrNotFound) {
		r.Ring, err = keyrings.Ring{Kind: kind}, nil
	}
	return r, err
}

// arnProperty names the property with the secret of each ring.
var arnProperty = map[keyrings.Kind]string{
	keyrings.SigningRing: signingRingARN, keyrings.RefreshRing: refreshKeysARN, keyrings.LoginRing: loginRingARN,
}

// mayTake returns an error unless the stack may use these rings. An update normally keeps its
// rings. A new stack, or a stack that names other secrets, takes rings over, and a rollback returns
// to the earlier rings. A stack from before the login ring gets one.
func (t task) mayTake(all rings, m keyrings.Move) error {
	for name, drop := range map[string]keyrings.Drop{dropKeys: m.Drop, dropRefreshKeys: m.DropRefresh, dropLoginKeys: m.DropLogin} {
		if asked := drop.All || len(drop.IDs) > 0; asked && (t.create || t.before[keyVersion] == nil) {
			// A new stack has issued nothing under a leaked key.
			return fmt.Errorf("%s is allowed only in an update of the stack; leave it empty", name)
		}
	}
	if t.create {
		return keyrings.Adopt(t.version, all[signingAt].Ring, all[refreshAt].Ring, all[loginAt].Ring)
	}
	for _, r := range all {
		name := arnProperty[r.Kind]
		_, named := t.before[name]
		remade := r.Kind == keyrings.SigningRing && m.Drop.All && !m.Drop.Still ||
			r.Kind == keyrings.LoginRing && t.before != nil && !named
		other := t.before != nil && t.before[name] != r.arn
		switch {
		case len(r.Keys) == 0 && !remade:
			// Otherwise one wrong parameter would create new keys and end every session.
			return fmt.Errorf("%s: the secret %s holds no keys, and only a new stack creates the first keys: "+
				"name the right secret, or restore the previous value of this secret", name, r.arn)
		case len(r.Keys) > 0 && other && t.version != r.Current():
			if err := keyrings.Adopt(t.version, r.Ring); err != nil {
				return err
			}
		}
	}
	return nil
}

// answer returns the data that the template reads with !GetAtt. The data contains no secret.
func (t task) answer(all rings) (map[string]any, error) {
	public, err := all[signingAt].PublicKeys(t.version)
	if err != nil {
		return nil, err
	}
	jwks, err := json.Marshal(public)
	if err != nil {
		return nil, err
	}
	if len(jwks) > maxJWKS {
		return nil, fmt.Errorf("the public keys have %d bytes (an environment has space for %d); use smaller keys",
			len(jwks), maxJWKS)
	}
	stamp, err := t.stamp(jwks, all)
	if err != nil {
		return nil, err
	}
	return map[string]any{"Jwks": string(jwks), "Stamp": stamp, "KeyVersion": fmt.Sprint(t.version)}, nil
}

// stamp returns a text that changes with each value in a function's environment, so that a changed
// function gets a new version. A rollback restores the stamp. Therefore the stamp contains only the
// versions of keys that open tokens, and no later version.
func (t task) stamp(jwks []byte, rings rings) (string, error) {
	opening := func(i int) []keyrings.Version {
		return slices.DeleteFunc(rings[i].Versions(), func(v keyrings.Version) bool { return v > t.version+1 })
	}
	all := maps.Clone(t.all)
	// These values are in no environment. Build changes with each build of this function.
	for _, own := range []string{"ServiceToken", "ServiceTimeout", "Build"} {
		delete(all, own)
	}
	text, err := json.Marshal(map[string]any{
		"properties": all, "jwks": string(jwks), "refresh_keys": opening(refreshAt), "login_keys": opening(loginAt),
		// A stamp changes also after a rollback, because instances of the earlier version still
		// have the dropped keys.
		"refresh_keys_dropped": rings[refreshAt].Dropped, "login_keys_dropped": rings[loginAt].Dropped,
	})
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(text)
	return fmt.Sprintf("keys-%d-%s", t.version, hex.EncodeToString(sum[:16])), nil
}
