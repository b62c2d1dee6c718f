package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"regexp"
	"slices"
	"time"

	"github.com/edgeauth/edgeauth/internal/backend"
	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/password"
	"github.com/edgeauth/edgeauth/pkg/auth/user"
)

type userForms struct {
	storeFlag
	Record bool `xor:"change" help:"Record the forms that users have and that are not recorded."`
	Clear  bool `xor:"change" help:"Remove the recorded forms that no user has any more."`
}

// formView is a form of hashes as the command prints it.
type formView struct {
	// Form is a hash of this form with a blank salt and digest.
	Form     string `json:"form"`
	Users    int    `json:"users"`
	Recorded bool   `json:"recorded"`
}

func (c *userForms) Run(ctx context.Context, t terminal) error {
	stores, err := c.open(ctx, t)
	if err != nil {
		return err
	}
	// The record is read before the users: if it has changed since, users may have been created.
	record, err := stores.Users.Forms(ctx)
	if err != nil {
		return err
	}
	if c.Clear && record.Until.After(time.Now()) {
		return fmt.Errorf("an import may be creating users until %s; run the command again after that", record.Until.Format(time.RFC3339))
	}
	users, left, err := countForms(ctx, stores)
	if err != nil {
		return err
	}
	if c.Clear && len(left) > 0 {
		return errors.Join(errors.New("the record was not changed, because the forms of some users are unknown"), unreadable(t, left))
	}
	found := slices.Sorted(maps.Keys(users))
	switch missing := record.Lacks(found); {
	case c.Record && len(missing) > 0:
		if _, err := directoryOf(stores).RecordForms(ctx, missing, time.Time{}); err != nil {
			return err
		}
		record.Recorded = slices.Sorted(slices.Values(append(slices.Clone(record.Recorded), missing...)))
	case c.Clear:
		if record, err = clearForms(ctx, stores, record, users); err != nil {
			return err
		}
	}
	views := []formView{}
	for _, form := range slices.Compact(slices.Sorted(slices.Values(append(found, record.Recorded...)))) {
		views = append(views, formView{form, users[form], slices.Contains(record.Recorded, form)})
	}
	err = t.print(views, func(w io.Writer) {
		fmt.Fprintln(w, "USERS\tRECORDED\tFORM")
		for _, v := range views {
			fmt.Fprintf(w, "%d\t%s\t%s\n", v.Users, map[bool]string{true: "yes", false: "no"}[v.Recorded], shortForm(v.Form))
		}
		if len(record.Lacks(found)) > 0 {
			fmt.Fprintln(w, "refused logins do not wait for the forms that are not recorded; --record records them")
		}
	})
	if err != nil {
		return err
	}
	return unreadable(t, left)
}

// countForms returns how many users have a hash of each form. A damaged hash has no form: no login
// verifies it.
func countForms(ctx context.Context, stores backend.Stores) (users map[string]int, left []user.Unreadable, err error) {
	users = map[string]int{}
	for after := auth.SubjectID(""); ; {
		page, err := stores.Users.List(ctx, after, exportPage)
		if err != nil {
			return nil, nil, err
		}
		for _, u := range page.Users {
			if form, err := password.FormOf(u.Password); err == nil {
				users[form]++
			}
		}
		left = append(left, page.Unreadable...)
		if after = page.Next; after == "" {
			return users, left, nil
		}
	}
}

// clearForms removes the forms that no user has from the record as read, and returns the new
// record. It keeps a form that this version does not know, because it cannot count the users who
// have it.
func clearForms(ctx context.Context, stores backend.Stores, record user.Forms, users map[string]int) (user.Forms, error) {
	after := record
	after.Recorded = slices.DeleteFunc(slices.Clone(record.Recorded), func(form string) bool {
		return users[form] == 0 && password.Importable(auth.NewSecret(form)) == nil
	})
	if len(after.Recorded) == len(record.Recorded) {
		return record, nil
	}
	err := stores.Users.UpdateForms(ctx, after)
	if errors.Is(err, user.ErrConflict) {
		err = errors.New("the record was changed in the meantime, perhaps by an import; run the command again")
	}
	return after, err
}

// blanks are the salt, the keys and the digest of a form.
var blanks = regexp.MustCompile(`\.{53}|\.{22,31}|A{20,}=*|0{32,}`)

// shortForm returns a form without the blank salt and digest, for people.
func shortForm(form string) string { return printable(blanks.ReplaceAllString(form, "…")) }
