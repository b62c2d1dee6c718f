package login_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

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
				c.Steps.After = func(_ context.Context, _ login.Credentials, r login.Result) ([]string, error) {
					if r.User.ID != "s1" || r.Change.Reveal() != "" {
						t.Errorf("after got %+v", r)
					}
					steps = append(steps, "after")
					return nil, row.after
				}
			})
			r, err := a.Login(t.Context(), row.c)
			if !same(err, row.want) || !slices.Equal(steps, row.steps) || rec.count("hash") != row.hashes {
				t.Errorf("%v after %v, %d hashes", err, steps, rec.count("hash"))
			}
			if err != nil && !errors.Is(err, login.ErrPasswordChangeRequired) && (r.User.ID != "" || r.Change.Reveal() != "") {
				t.Errorf("a no came with %+v", r)
			}
		})
	}
}

// same reports whether a login ended with the error of a row. A Denial has the row's code, and
// names the user if the password was verified.
func same(got, want error) bool {
	denial, ok := want.(*login.Denial)
	if !ok {
		return errors.Is(got, want)
	}
	no, ok := errors.AsType[*login.Denial](got)
	return ok && no.Code == denial.Code && denial.Subject == ""
}

// TestDenialNamesTheLogin checks that the error of a denied login has what the audit line needs,
// and that the Denial of the step, which many logins may share, is unchanged.
func TestDenialNamesTheLogin(t *testing.T) {
	shared := &login.Denial{Code: "second_factor_required", Description: "send one_time_code"}
	deny := func() error { return fmt.Errorf("a step: %w", shared) }
	for name, row := range map[string]struct {
		steps   login.Steps
		subject auth.SubjectID
	}{
		"before": {login.Steps{Before: func(context.Context, login.Credentials) error { return deny() }}, ""},
		"after":  {login.Steps{After: func(context.Context, login.Credentials, login.Result) ([]string, error) { return nil, deny() }}, "s1"},
	} {
		a := newRecorder(t, ada(asIs)).with(t, func(c *login.Config) { c.Steps = row.steps })
		_, err := a.Login(t.Context(), right)
		denial, ok := errors.AsType[*login.Denial](err)
		if !ok || denial.Subject != row.subject || denial.Reference == "" || denial.Code != shared.Code || denial.Description != shared.Description {
			t.Errorf("%s: %+v", name, err)
		}
		if *shared != (login.Denial{Code: shared.Code, Description: shared.Description}) {
			t.Errorf("%s: the step's Denial became %+v", name, shared)
		}
	}
}

// A step may wait for a person. Changes to the user in the meantime take effect.
func TestUserIsReadAgainAfterTheStep(t *testing.T) {
	for name, change := range map[string]func(*user.User){
		"disabled":                func(u *user.User) { u.Disabled = true },
		"logged out everywhere":   func(u *user.User) { u.TokenVersion++ },
		"erased":                  nil,
		"only the roles, and yes": func(u *user.User) { u.Roles = []string{"admin"} },
	} {
		rec := newRecorder(t, ada(asIs))
		a := rec.with(t, func(c *login.Config) {
			c.Steps.After = func(context.Context, login.Credentials, login.Result) ([]string, error) {
				if change == nil {
					return nil, rec.store.Delete(t.Context(), "s1", time.Now())
				}
				u, err := rec.store.Get(t.Context(), "s1")
				if err != nil {
					return nil, err
				}
				change(&u)
				return nil, rec.store.Update(t.Context(), u)
			}
		})
		_, err := a.Login(t.Context(), right)
		if ok := name == "only the roles, and yes"; (err == nil) != ok || !ok && !errors.Is(err, login.ErrInvalidCredentials) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
