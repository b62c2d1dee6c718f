package session_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/session"
)

// configured is the list of configured clients.
type configured []auth.ClientID

func (c configured) Has(id auth.ClientID) bool { return slices.Contains(c, id) }

// TestAClientThatIsGone removes a client from the configuration, which may be a mistake of the
// operator. The sessions of the client must be refused, must not change, and must cause no report
// of theft.
func TestAClientThatIsGone(t *testing.T) {
	for _, profile := range []auth.Profile{auth.Balanced, auth.Strict, auth.Fixed} {
		t.Run(profile.String(), func(t *testing.T) {
			h := newTestManager(t)
			h.Config().Clients = configured{"web", auth.DefaultClient}
			g := h.login(t, profile)
			h.Config().Clients = configured{"web"}
			for range 20 {
				got, err := h.Refresh(t.Context(), session.Request{RefreshToken: g.RefreshToken})
				var refusal *session.Refusal
				if !errors.As(err, &refusal) || refusal.Outcome != session.OutcomeUnknownClient || !errors.Is(err, session.ErrUnknownClient) ||
					errors.Is(err, session.ErrEnded) || errors.Is(err, auth.ErrUnavailable) || got.RefreshToken.Reveal() != "" {
					t.Fatalf("%+v, %v", got, err)
				}
				h.now = h.now.Add(time.Minute)
			}
			if n := h.store.updates.Load(); profile == auth.Strict && n != 0 {
				t.Errorf("%d writes, want none: a rotation would log the client out", n)
			}
			h.Config().Clients = configured{auth.DefaultClient}
			if outcome, _ := h.refresh(t, g.RefreshToken); !outcome.Grants() {
				t.Errorf("after the client is configured again: %s", outcome)
			}
		})
	}
}

// TestAClientThatIsGoneHidesNothing: theft, an ended session and a failed read are still reported.
func TestAClientThatIsGoneHidesNothing(t *testing.T) {
	for _, profile := range []auth.Profile{auth.Balanced, auth.Strict} {
		h := newTestManager(t)
		g := h.login(t, profile)
		_, next := h.refresh(t, g.RefreshToken)
		h.now = h.now.Add(time.Hour)
		_, next = h.refresh(t, next.RefreshToken)
		h.Config().Clients = configured{}

		h.Config().Store = unread{h.store}
		if profile == auth.Strict {
			outcome, _ := h.refresh(t, next.RefreshToken)
			want(t, "the session cannot be read", outcome, session.OutcomeFailed)
		}
		h.Config().Store = h.store
		outcome, _ := h.refresh(t, g.RefreshToken)
		want(t, "a copied token", outcome, session.OutcomeReuse)
		outcome, _ = h.refresh(t, next.RefreshToken)
		want(t, "the owner's token", outcome, session.OutcomeRevoked)
	}
}
