package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"time"

	"github.com/edgeauth/edgeauth/cmd/edgeauth/internal/importer"
	"github.com/edgeauth/edgeauth/cmd/edgeauth/internal/stack"
	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/password"
	"github.com/edgeauth/edgeauth/pkg/auth/user"
)

type userImport struct {
	storeFlag
	File           string `arg:"" help:"The file, or - for standard input. Fields: subject, email, email_verified, pointers, password_hash, roles, claims, disabled, must_change, created_at."`
	Format         string `aliases:"from" placeholder:"FORMAT" help:"jsonl, csv or firebase (default: by the file's extension; jsonl for standard input)."`
	FirebaseConfig string `placeholder:"FILE" help:"For firebase: a file with the project's hash_config, copied from the Firebase console."`
	DryRun         bool   `help:"Check every record and write nothing."`
	Yes            bool   `short:"y" help:"Do not wait two minutes before users with a new form of hash are created. For a store that no login function uses yet."`
	Workers        int    `default:"64" help:"How many users to write in parallel (${default})."`
}

func (c *userImport) Run(ctx context.Context, t terminal) error {
	format, err := importer.FormatOf(c.Format, c.File)
	if err != nil {
		return fmt.Errorf("%w: %w", errUsage, err)
	}
	if c.Workers < 1 || c.Workers > 1024 {
		return fmt.Errorf("%w: --workers %d is out of range (want 1 to 1024)", errUsage, c.Workers)
	}
	var parameters importer.Parameters
	if c.FirebaseConfig != "" {
		raw, err := os.ReadFile(c.FirebaseConfig)
		if err != nil {
			return err
		}
		parameters.Firebase = string(raw)
	}
	stores, err := c.open(ctx, t)
	if err != nil {
		return err
	}
	in, size := t.in, int64(0)
	if c.File != "-" {
		file, err := os.Open(c.File)
		if err != nil {
			return err
		}
		defer func() { _ = file.Close() }()
		if info, err := file.Stat(); err == nil && info.Mode().IsRegular() {
			size = info.Size()
		}
		in = file
	}
	counted := &countingReader{Reader: in}
	show := &progress{t: t, size: size, read: &counted.n}
	directory := directoryOf(stores)
	// A store without users has no user whom the time of an answer could reveal.
	page, err := stores.Users.List(ctx, "", 1)
	if err != nil {
		return err
	}
	noWait := c.Yes || len(page.Users) == 0 && len(page.Unreadable) == 0
	forms := importer.NewForms(directory, func(ctx context.Context, forms []string, d time.Duration) error {
		if noWait {
			return nil
		}
		return awaitLogins(ctx, t, show, forms, d)
	})
	if size > 0 && !c.DryRun {
		if err := admitAll(ctx, forms, format, c.File, parameters); err != nil {
			return c.report(t, new(importer.Import), err)
		}
	}
	i := &importer.Import{Options: importer.Options{
		Directory: directory, Forms: forms, DryRun: c.DryRun, Workers: c.Workers,
		Failed: func(at importer.Place, err error) { show.line("%v: %v", at, err) },
	}}
	stop := show.start(i.Done)
	err = i.Run(ctx, format.Read(counted, parameters))
	stop()
	return c.report(t, i, err)
}

// admitAll admits all forms of hashes of a file at once, so that the import waits once. The import
// reports what is wrong with the file.
func admitAll(ctx context.Context, forms *importer.Forms, format importer.Format, path string, p importer.Parameters) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }()
	one := map[string]auth.Secret{} // a hash of each form
	for record, err := range format.Read(file, p) {
		if err != nil {
			break
		}
		if form, err := password.FormOf(record.User.Password); err == nil {
			one[form] = auth.NewSecret(form)
		}
	}
	return forms.Admit(ctx, slices.Collect(maps.Values(one))...)
}

// awaitLogins waits until every running login function knows new forms of hashes. A login function
// that does not would answer an unknown e-mail sooner than the e-mail of an imported user.
func awaitLogins(ctx context.Context, t terminal, show *progress, forms []string, d time.Duration) error {
	for _, form := range forms {
		show.line("edgeauth: the hashes have a form that no user has yet: %s", shortForm(form))
	}
	d = d.Round(time.Second)
	show.line("edgeauth: waiting %v, so that every running login function reads the new form and takes as long for a refusal; --yes does not wait", d)
	for ; d > 0; d -= time.Second {
		if isTerminal(t.err) {
			show.show(fmt.Sprintf("%v left", d))
		}
		if err := t.sleep(ctx, min(d, time.Second)); err != nil {
			return err
		}
	}
	return nil
}

// report prints the summary, also after an error.
func (c *userImport) report(t terminal, i *importer.Import, err error) error {
	view := struct {
		Created   int64 `json:"created"`
		Unchanged int64 `json:"unchanged"`
		Kept      int64 `json:"kept"`
		Refused   int64 `json:"refused"`
		DryRun    bool  `json:"dry_run"`
		// Notes counts the users by the data that was left out.
		Notes map[importer.Note]int64 `json:"notes,omitempty"`
		// Weak is the number of weak hashes that an import will hash, and WeakSeconds about the
		// time.
		Weak        int64   `json:"weak,omitempty"`
		WeakSeconds float64 `json:"weak_seconds,omitempty"`
	}{Created: i.Created.Load(), Unchanged: i.Unchanged.Load(), Kept: i.Kept.Load(), Refused: i.Refused.Load(), DryRun: c.DryRun, Notes: i.Notes()}
	weak, takes := i.Weak()
	view.Weak, view.WeakSeconds = weak, takes.Seconds()
	printed := t.print(view, func(w io.Writer) {
		created := "created"
		if c.DryRun {
			created = "to create"
		}
		fmt.Fprintf(w, "%d %s, %d unchanged, %d kept because they were changed after an earlier import, %d refused\n",
			view.Created, created, view.Unchanged, view.Kept, view.Refused)
		for _, note := range slices.Sorted(maps.Keys(view.Notes)) {
			fmt.Fprintf(w, "%d users %s\n", view.Notes[note], note)
		}
		if weak > 0 {
			fmt.Fprintf(w, "the import will hash %d weak hashes with Argon2id, for about %v on this machine\n",
				weak, max(takes.Round(time.Second), time.Second))
		}
	})
	switch {
	case errors.Is(err, context.Canceled):
		return errors.New("interrupted; run the same command again to continue")
	case err != nil:
		return fmt.Errorf("the import stopped; run the same command again to continue: %w", stack.Explain(err))
	case view.Refused > 0:
		return fmt.Errorf("%d of %d records were refused", view.Refused, i.Done())
	}
	return printed
}

type userExport struct{ storeFlag }

// exportPage is how many users are read at a time.
const exportPage = 100

func (c *userExport) Run(ctx context.Context, t terminal) error {
	stores, err := c.open(ctx, t)
	if err != nil {
		return err
	}
	if isTerminal(t.out) {
		fmt.Fprintln(t.err, "These lines contain password hashes. Protect them like passwords.")
	}
	w := bufio.NewWriter(t.out)
	var left []user.Unreadable
	for after := auth.SubjectID(""); ; {
		page, err := stores.Users.List(ctx, after, exportPage)
		if err != nil {
			return err
		}
		for _, u := range page.Users {
			if err := importer.Write(w, u); err != nil {
				return err
			}
		}
		left = append(left, page.Unreadable...)
		if after = page.Next; after == "" {
			break
		}
	}
	if err := w.Flush(); err != nil {
		return err
	}
	return unreadable(t, left)
}
