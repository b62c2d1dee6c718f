package service

import (
	"context"
	"testing"

	"github.com/edgeauth/edgeauth/internal/config"
	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/flow"
)

// TestWhoMaySignUp checks what decides about sign-ups: the configuration, whether mails are sent,
// and the program.
func TestWhoMaySignUp(t *testing.T) {
	asked := 0
	ask := func(context.Context, flow.Newcomer) (bool, error) { asked++; return false, nil }
	for name, row := range map[string]struct {
		variables variables
		options   Options
		held      flow.Hold
		asked     int
	}{
		"no sender":             {variables{}, Options{}, flow.HoldClosed, 0},
		"on without a sender":   {variables{config.Config: `{"signup":{"admit":"on"}}`}, Options{}, "", 0},
		"a sender":              {variables{config.Mailer: "mailer", config.Region: "r", config.AccessKeyID: "k", config.SecretAccessKey: "s"}, Options{}, "", 0},
		"off":                   {variables{config.Mailer: "mailer", config.Region: "r", config.AccessKeyID: "k", config.SecretAccessKey: "s", config.Config: `{"signup":{"admit":"off"}}`}, Options{Admit: ask}, flow.HoldClosed, 0},
		"the program":           {variables{config.Config: `{"signup":{"admit":"on"}}`}, Options{Admit: ask}, flow.HoldClosed, 1},
		"the program, a domain": {variables{config.Config: `{"signup":{"admit":"on","domains":["example.org"]}}`}, Options{Admit: ask}, flow.HoldClosed, 0},
	} {
		asked = 0
		s, err := start(config.New(good(t).with(row.variables).lookup), row.options, common, opening, mailing)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		b, err := s.flows.Begin(t.Context(), flow.Request{Purpose: flow.PurposeSignup, Client: auth.DefaultClient, Email: "grace@example.com"})
		if err != nil || b.Held != row.held || asked != row.asked {
			t.Errorf("%s: %q, %v, asked %d times; want %q and %d", name, b.Held, err, asked, row.held, row.asked)
		}
	}
}
