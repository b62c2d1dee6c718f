package main

import (
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"github.com/edgeauth/edgeauth/cmd/edgeauth/internal/stack"
	"github.com/edgeauth/edgeauth/internal/keyrings"
	"github.com/edgeauth/edgeauth/pkg/auth/token"
)

// rotation is the next rotation, and the time from which it is allowed.
type rotation struct {
	Version keyrings.Version `json:"version"`
	Now     bool             `json:"now"`
	From    time.Time        `json:"from,omitzero"`    // unset if Now, or if waiting does not help
	Reason  string           `json:"reason,omitempty"` // unset if Now
}

func (r rotation) text(of *stack.Stack) string {
	switch {
	case r.Now && of == nil:
		return fmt.Sprintf("version %d, now", r.Version)
	case r.Now:
		return fmt.Sprintf("version %d, now: sam deploy --stack-name %s --parameter-overrides KeyVersion=%[1]d",
			r.Version, of.Name)
	case r.From.IsZero():
		return fmt.Sprintf("version %d, not now: %s", r.Version, r.Reason)
	}
	return fmt.Sprintf("version %d, from %s on: %s", r.Version, instant(r.From), r.Reason)
}

// next returns the next rotation. In a data directory it is possible at once, because the local
// server is the only verifier. For a stack, next applies the rules of the deployment, now and at
// each time that a refusal names.
func (k rings) next(now time.Time) rotation {
	next := rotation{Version: k.version + 1, Now: true}
	if k.stack == nil {
		return next
	}
	if stands := k.signing.Current(); stands != k.version {
		next.Now = false
		next.Reason = fmt.Sprintf("KeyVersion of the stack is %d, but its signing ring is at version %d: "+
			"a deployment may be in progress", k.version, stands)
		return next
	}
	at := now
	for {
		err := k.judge(next.Version, at)
		if err == nil {
			break
		}
		next.Now, next.Reason = false, err.Error()
		var refusal *keyrings.Refusal
		if !errors.As(err, &refusal) {
			return next
		}
		if next.Reason = refusal.Why; !refusal.Until.After(at) {
			return next
		}
		at = refusal.Until
	}
	if !next.Now {
		next.From = at
	}
	return next
}

// judge returns the error that refuses a version at a time. The key that it generates is discarded,
// so it uses the cheapest algorithm.
func (k rings) judge(v keyrings.Version, at time.Time) error {
	for _, ring := range []keyrings.Ring{k.refresh, k.login, k.signing} {
		if _, err := ring.Move(keyrings.Move{Version: v, Algorithm: token.EdDSA, Stack: ring.Stack}, at, rand.Reader); err != nil {
			return err
		}
	}
	return nil
}
