package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/edgeauth/edgeauth/internal/backend"
	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/password"
	"github.com/edgeauth/edgeauth/pkg/auth/user"
)

type userCommand struct {
	Add        userAdd        `cmd:"" help:"Add a user. The password comes from standard input or a prompt."`
	List       userList       `cmd:"" help:"List users."`
	Find       userFind       `cmd:"" help:"Show one user."`
	Passwd     userPasswd     `cmd:"" help:"Set a password, from standard input or a prompt. All sessions end."`
	Invite     userInvite     `cmd:"" help:"Permit one sign-up of an e-mail address, and print the secret of the invitation."`
	Reset      userReset      `cmd:"" help:"Remove the password and end all sessions. The user then sets a new password with a code."`
	Code       userCode       `cmd:"" help:"Print a login code for a user who gets no mail."`
	Email      userEmail      `cmd:"" help:"Change the e-mail address."`
	Emails     userEmails     `cmd:"" help:"Move e-mail addresses with an international domain to their new key, and list conflicts."`
	Roles      userRoles      `cmd:"" help:"Replace the roles, with effect from the next refresh."`
	Claims     userClaims     `cmd:"" help:"Replace the user's private claims with a JSON object from standard input."`
	Disable    userDisable    `cmd:"" help:"Refuse logins and end all sessions at their next refresh."`
	Enable     userEnable     `cmd:"" help:"Allow logins again."`
	Logout     userLogout     `cmd:"" help:"End all sessions, as session end-all WHO does."`
	Unlock     userUnlock     `cmd:"" help:"Clear the counter of failed logins, so that the owner need not wait."`
	Unsuppress userUnsuppress `cmd:"" help:"Send mails again to an address that is suppressed after a bounce or a complaint."`
	Delete     userDelete     `cmd:"" help:"Erase a user and all their sessions."`
	Import     userImport     `cmd:"" help:"Import users with their password hashes."`
	Forms      userForms      `cmd:"" help:"Count the users with each form of password hash. A refused login takes as long as the slowest recorded form."`
	Export     userExport     `cmd:"" help:"Write all users with their password hashes, as JSON lines for import."`
}

// userView is a user as commands print it.
type userView struct {
	Subject  auth.SubjectID `json:"sub"`
	Email    string         `json:"email"`
	Verified bool           `json:"email_verified"`
	Pointers []user.Pointer `json:"pointers,omitempty"`
	Roles    []string       `json:"roles"`
	Claims   map[string]any `json:"claims,omitempty"`
	Disabled bool           `json:"disabled"`
	// MustChange says that the user must set a new password before anything else.
	MustChange bool      `json:"must_change,omitempty"`
	Created    time.Time `json:"created"`
	// LastLogin is absent if no session is stored.
	LastLogin time.Time `json:"last_login,omitzero"`
}

func (v userView) state() string {
	switch {
	case v.Disabled:
		return "disabled"
	case v.MustChange:
		return "must change password"
	}
	return "active"
}

// lastLogin returns the last login as text for people.
func (v userView) lastLogin() string {
	if v.LastLogin.IsZero() {
		return "-"
	}
	return v.LastLogin.Format(time.DateTime)
}

func viewOf(u user.User) userView {
	roles := u.Roles
	if roles == nil {
		roles = []string{}
	}
	return userView{
		Subject: u.ID, Email: u.Email, Verified: u.Subject().EmailVerified, Pointers: u.Pointers, Roles: roles, Claims: u.Claims,
		Disabled: u.Disabled, MustChange: u.MustChange, Created: u.CreatedAt,
	}
}

// directoryOf returns a directory of the users in stores.
func directoryOf(stores backend.Stores) *user.Directory {
	hasher := password.Hasher{}
	return &user.Directory{
		Store: stores.Users, Hasher: hasher, Sessions: stores.Sessions, Importable: password.Importable, Wrap: hasher.Wrap,
	}
}

// recordOwnForm records the form of the hash that a command is about to store, and keeps it for as
// long as the command may take. A stack can have another cost of new hashes.
func recordOwnForm(ctx context.Context, d *user.Directory) error {
	const atMost = time.Minute
	_, err := d.RecordForms(ctx, []string{password.Hasher{}.Form()}, time.Now().Add(atMost))
	return err
}

// explained adds the context of the command to an error of a directory.
func explained(err error, email string) error {
	if errors.Is(err, user.ErrExists) {
		return fmt.Errorf("%s already has an account", email)
	}
	if email != "" && errors.Is(err, user.ErrEmail) {
		return fmt.Errorf("%s is %w", email, err)
	}
	return err
}

type userAdd struct {
	storeFlag
	configFlag
	Email string   `arg:"" help:"E-mail address."`
	Roles []string `help:"Roles, separated by commas." placeholder:"ROLE"`
}

func (c *userAdd) Run(ctx context.Context, t terminal) error {
	// Check the address before the prompt asks for a password.
	if err := user.CheckEmail(c.Email); err != nil {
		return explained(err, printable(c.Email))
	}
	stores, err := c.open(ctx, t)
	if err != nil {
		return err
	}
	rules, err := c.readConfig(ctx, c.storeFlag)
	if err != nil {
		return err
	}
	secret, err := t.secret("Password", true)
	if err != nil {
		return err
	}
	directory := directoryOf(stores)
	directory.Policy = rules.policy
	if err := recordOwnForm(ctx, directory); err != nil {
		return err
	}
	u, err := directory.Add(ctx, c.Email, secret, c.Roles)
	if err != nil {
		return rules.explain(explained(err, printable(c.Email)))
	}
	return t.print(viewOf(u), func(w io.Writer) { fmt.Fprintf(w, "added %s, subject %s\n", u.Email, u.ID) })
}

type userList struct {
	storeFlag
	After auth.SubjectID `help:"List the users that follow this subject." placeholder:"SUBJECT"`
	Limit int            `default:"100" help:"The greatest number of users (${default})."`
	// LastLogin costs a read for each user.
	LastLogin bool `help:"Show the last login of each user, if a session of the user is stored."`
}

func (c *userList) Run(ctx context.Context, t terminal) error {
	if c.Limit < 1 {
		return fmt.Errorf("%w: --limit %d is too small (want 1 or more)", errUsage, c.Limit)
	}
	stores, err := c.open(ctx, t)
	if err != nil {
		return err
	}
	page, err := stores.Users.List(ctx, c.After, c.Limit)
	if err != nil {
		return err
	}
	logins := make([]time.Time, len(page.Users))
	if c.LastLogin {
		if logins, err = lastLogins(ctx, stores, page.Users); err != nil {
			return err
		}
	}
	views := make([]userView, 0, len(page.Users))
	for i, u := range page.Users {
		v := viewOf(u)
		v.LastLogin = logins[i]
		views = append(views, v)
	}
	err = t.print(views, func(w io.Writer) {
		fmt.Fprint(w, "SUBJECT\tE-MAIL\tROLES\tSTATE\tCREATED")
		if c.LastLogin {
			fmt.Fprint(w, "\tLAST LOGIN")
		}
		fmt.Fprintln(w)
		for _, v := range views {
			fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s", printable(string(v.Subject)), printable(v.Email), printable(strings.Join(v.Roles, ",")), v.state(), v.Created.Format(time.DateTime))
			if c.LastLogin {
				fmt.Fprintf(w, "\t%s", v.lastLogin())
			}
			fmt.Fprintln(w)
		}
		if page.Next != "" {
			fmt.Fprintf(w, "more with --after %s\n", page.Next)
		}
	})
	if err != nil {
		return err
	}
	return unreadable(t, page.Unreadable)
}

// unreadable names the users that cannot be read. It returns an error if there are any.
func unreadable(t terminal, users []user.Unreadable) error {
	if len(users) == 0 {
		return nil
	}
	for _, u := range users {
		fmt.Fprintf(t.err, "subject %s: %v\n", printable(string(u.ID)), u.Err)
	}
	return fmt.Errorf("users that cannot be read: %d", len(users))
}

// printable escapes the characters that could control the terminal or change the direction of the
// text that follows.
func printable(text string) string {
	var b strings.Builder
	for _, r := range text {
		if strconv.IsPrint(r) {
			b.WriteRune(r)
		} else {
			b.WriteString(strings.Trim(strconv.QuoteRuneToASCII(r), "'"))
		}
	}
	return b.String()
}
