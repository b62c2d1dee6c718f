package deploy_test

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/edgeauth/edgeauth/internal/keyrings"
	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/dynamo"
	"github.com/edgeauth/edgeauth/pkg/auth/flow"
	"github.com/edgeauth/edgeauth/pkg/auth/keyring"
	"github.com/edgeauth/edgeauth/pkg/auth/login"
	hash "github.com/edgeauth/edgeauth/pkg/auth/password"
	"github.com/edgeauth/edgeauth/pkg/auth/throttle"
	"github.com/edgeauth/edgeauth/pkg/auth/user"
)

const grace = "grace@example.com"

// flows returns the flows of the stack, with its tables and keys, as its owner could make them. The
// stack has no sender of mails, so the test begins the flows whose codes it needs.
func (s *stack) flows(ctx context.Context) (*flow.Manager, error) {
	who, err := owner.Retrieve(ctx)
	if err != nil {
		return nil, err
	}
	db := dynamo.New(dynamo.Config{
		Region: region, Endpoint: s.cloud.url, Transport: s.cloud.client.Transport,
		Credentials: dynamo.Credentials{AccessKeyID: who.AccessKeyID, SecretAccessKey: auth.NewSecret(who.SecretAccessKey)},
		Tables:      dynamo.Tables{Users: s.outputs["UsersTable"], Sessions: s.outputs["SessionsTable"], Attempts: s.outputs["AttemptsTable"]},
	})
	ring := s.ring("LoginSecret")
	text, err := ring.Text()
	if err != nil {
		return nil, err
	}
	keys, err := keyring.LoadLogin(ctx, keyrings.Inline(text), ring.Current(), time.Now)
	if err != nil {
		return nil, err
	}
	users := &user.Directory{Store: db.Users(), Hasher: hash.Hasher{}}
	gate, err := login.New(login.Config{Users: db.Users(), Hasher: hash.Hasher{}, Counters: throttle.Unlimited, Keys: keys, Passwords: users})
	if err != nil {
		return nil, err
	}
	return flow.New(flow.Config{
		Store: db.Flows(), Users: users, Gate: gate, Counters: throttle.Unlimited, Keys: keys, SignUp: flow.SignUp{Admit: flow.AdmitAll},
	})
}

// signUp creates an account with a code, resets its password with another code, and logs in.
func (s *stack) signUp(ctx context.Context) error {
	if _, err := s.client().expect(ctx, http.StatusAccepted, "", http.MethodPost, "/auth/code", object{"email": grace, "purpose": "signup"}, ""); err != nil {
		return err
	}
	flows, err := s.flows(ctx)
	if err != nil {
		return err
	}
	for _, step := range []struct {
		purpose  flow.Purpose
		password string
	}{{flow.PurposeSignup, password}, {flow.PurposeReset, password + "!"}} {
		b, err := flows.Begin(ctx, flow.Request{Purpose: step.purpose, Client: auth.DefaultClient, Email: grace})
		if err != nil {
			return err
		}
		c := s.client()
		err = c.open(ctx, "/auth/code/verify", object{"auth_session": b.Session.Reveal(), "code": b.Message.Code.Reveal(), "new_password": step.password})
		if err == nil {
			err = c.login(ctx, grace, step.password)
		}
		if err != nil {
			return fmt.Errorf("a %v: %w", step.purpose, err)
		}
	}
	return nil
}
