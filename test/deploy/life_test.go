package deploy_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
)

const (
	ada      = "ada@example.com"
	password = "correct horse battery"
)

// session uses the API of the stack from login to logout.
func (s *stack) session(ctx context.Context, email, password string) error {
	c, other := s.client(), s.client()
	first := *c
	for _, step := range []struct {
		what string
		do   func() error
	}{
		{"a wrong password", func() error {
			_, err := c.expect(ctx, http.StatusUnauthorized, "invalid_credentials", http.MethodPost, "/auth/login",
				object{"email": email, "password": "wrong"}, "")
			return err
		}},
		{"a login", func() error { return c.login(ctx, email, password) }},
		{"a refresh", func() error {
			first = *c
			err := c.renew(ctx)
			if err == nil && c.refresh == first.refresh {
				err = errors.New("the refresh token was not replaced")
			}
			return err
		}},
		{"a duplicate", func() error { return first.renew(ctx) }},
		{"another password", func() error {
			return c.granted(c.expect(ctx, http.StatusOK, "", http.MethodPost, "/auth/password",
				object{"current_password": password, "new_password": password + "!"}, c.access))
		}},
		{"the session before it", func() error { return first.ended(ctx) }},
		{"the new password", func() error { return other.login(ctx, email, password+"!") }},
		{"the list of sessions", func() error {
			_, err := c.expect(ctx, http.StatusOK, "", http.MethodGet, "/auth/sessions", nil, c.access)
			return err
		}},
		{"a label", func() error {
			_, err := c.expect(ctx, http.StatusOK, "", http.MethodPatch, "/auth/sessions/"+other.sid(), object{"label": "a laptop"}, c.access)
			return err
		}},
		{"the end of one", func() error {
			_, err := c.expect(ctx, http.StatusOK, "", http.MethodDelete, "/auth/sessions/"+other.sid(), nil, c.access)
			return err
		}},
		{"the session that was ended", func() error { return other.ended(ctx) }},
		{"one more login", func() error { return other.login(ctx, email, password+"!") }},
		{"the end of the others", func() error {
			_, err := c.expect(ctx, http.StatusOK, "", http.MethodDelete, "/auth/sessions", nil, c.access)
			return err
		}},
		{"another session", func() error { return other.ended(ctx) }},
		{"the session that is left", func() error { return c.renew(ctx) }},
		{"the password again", func() error {
			return c.granted(c.expect(ctx, http.StatusOK, "", http.MethodPost, "/auth/reauth", object{"password": password + "!"}, c.access))
		}},
		{"the session after it", func() error { return c.renew(ctx) }},
		{"a logout", func() error {
			_, err := c.expect(ctx, http.StatusOK, "", http.MethodPost, "/auth/logout", object{"refresh_token": c.refresh}, "")
			return err
		}},
		{"after it", func() error { return c.ended(ctx) }},
		{"metadata", func() error {
			a, err := c.expect(ctx, http.StatusOK, "", http.MethodGet, "/.well-known/oauth-authorization-server", nil, "")
			if err == nil && a.text("issuer") != s.outputs["Issuer"] {
				err = fmt.Errorf("the issuer is %v, want %s", a.body["issuer"], s.outputs["Issuer"])
			}
			return err
		}},
	} {
		if err := step.do(); err != nil {
			return fmt.Errorf("%s: %w", step.what, err)
		}
	}
	return nil
}
