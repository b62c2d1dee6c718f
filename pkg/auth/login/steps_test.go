package login_test

import (
	"context"
	"errors"
	"slices"
	"testing"

	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/login"
	"github.com/edgeauth/edgeauth/pkg/auth/user"
)

func TestSteps(t *testing.T) {
	denial := &login.Denial{Code: "second_factor_required"}
	mustChange := func(u *user.User) { u.MustChange = true }
	for _, row := range []struct {
		name          string
		c             login.Credentials
		change        func(*user.User)
		before, after error
		want          error
		steps         []string
		hashes        int
	}{
		{"good", right, asIs, nil, nil, nil, []string{"before", "after"}, 1},
		{"denied before", right, asIs, denial, nil, denial, []string{"before"}, 0},
		{"denied after", right, asIs, nil, denial, denial, []string{"before", "after"}, 1},
		{"wrong password", wrong, asIs, nil, denial, login.ErrInvalidCredentials, []string{"before"}, 1},
		{"unknown", credentials("eve@example.com", "x"), asIs, nil, denial, login.ErrInvalidCredentials, []string{"before"}, 1},
		{"no way round the second factor", right, mustChange, nil, denial, denial, []string{"before", "after"}, 1},
		{"must change", right, mustChange, nil, nil, login.ErrPasswordChangeRequired, []string{"before", "after"}, 1},
		{"a step fails", right, asIs, nil, auth.ErrUnavailable, auth.ErrUnavailable, []string{"before", "after"}, 1},
	} {
		t.Run(row.name, func(t *testing.T) {
			rec := newRecorder(t, ada(row.change))
			var steps []string
			a := rec.with(t, func(c *login.Config) {
				c.Steps.Before = func(_ context.Context, got login.Credentials) error {
					if got.Email != row.c.Email {
						t.Errorf("before got %s", got.Email)
					}
					steps = append(steps, "before")
					return row.before
				}
				c.Steps.After = func(_ context.Context, _ login.Credentials, r login.Result) error {
					if r.User.ID != "s1" || r.Change.Reveal() != "" {
						t.Errorf("after got %+v", r)
					}
					steps = append(steps, "after")
					return row.after
				}
			})
			r, err := a.Login(t.Context(), row.c)
			if !errors.Is(err, row.want) || !slices.Equal(steps, row.steps) || rec.count("hash") != row.hashes {
				t.Errorf("%v after %v, %d hashes", err, steps, rec.count("hash"))
			}
			if err != nil && !errors.Is(err, login.ErrPasswordChangeRequired) && (r.User.ID != "" || r.Change.Reveal() != "") {
				t.Errorf("a no came with %+v", r)
			}
		})
	}
}

// A step may wait for a person. Changes to the user meanwhile take effect.
func TestUserIsReadAgainAfterTheStep(t *testing.T) {
	for name, change := range map[string]func(*user.User){
		"disabled":                func(u *user.User) { u.Disabled = true },
		"logged out everywhere":   func(u *user.User) { u.TokenVersion++ },
		"erased":                  nil,
		"only the roles, and yes": func(u *user.User) { u.Roles = []string{"admin"} },
	} {
		rec := newRecorder(t, ada(asIs))
		a := rec.with(t, func(c *login.Config) {
			c.Steps.After = func(context.Context, login.Credentials, login.Result) error {
				if change == nil {
					return rec.store.Delete(t.Context(), "s1")
				}
				u, err := rec.store.Get(t.Context(), "s1")
				if err != nil {
					return err
				}
				change(&u)
				return rec.store.Update(t.Context(), u)
			}
		})
		_, err := a.Login(t.Context(), right)
		if ok := name == "only the roles, and yes"; (err == nil) != ok || !ok && !errors.Is(err, login.ErrInvalidCredentials) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
