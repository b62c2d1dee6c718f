package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"text/tabwriter"

	"golang.org/x/term"

	"github.com/edgeauth/edgeauth/pkg/auth"
)

// print writes v as JSON if --json was given. Otherwise it writes what text writes, with tabs
// aligned.
func (t terminal) print(v any, text func(w io.Writer)) error {
	if t.json {
		e := json.NewEncoder(t.out)
		e.SetEscapeHTML(false)
		e.SetIndent("", "  ")
		return e.Encode(v)
	}
	w := tabwriter.NewWriter(t.out, 0, 0, 2, ' ', 0)
	text(w)
	return w.Flush()
}

// maxSecretBytes bounds the length of a secret that is read.
const maxSecretBytes = 16 << 10

// secret reads a secret. On a terminal it prompts for what, twice if the secret is new. Otherwise
// it reads one line of standard input.
func (t terminal) secret(what string, isNew bool) (auth.Secret, error) {
	file, ok := t.in.(*os.File)
	if !isTerminal(t.in) || !ok {
		return t.secretLine(what)
	}
	first, err := t.ask(file, what+": ")
	if err != nil || !isNew {
		return first, err
	}
	second, err := t.ask(file, what+" again: ")
	if err != nil {
		return auth.Secret{}, err
	}
	if !first.Equal(second) {
		return auth.Secret{}, errors.New("the two entries differ")
	}
	return first, nil
}

func (t terminal) ask(file *os.File, prompt string) (auth.Secret, error) {
	fmt.Fprint(t.err, prompt)
	raw, err := term.ReadPassword(int(file.Fd()))
	fmt.Fprintln(t.err)
	return auth.NewSecret(string(raw)), err
}

func (t terminal) secretLine(what string) (auth.Secret, error) {
	line, err := bufio.NewReader(io.LimitReader(t.in, maxSecretBytes)).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return auth.Secret{}, err
	}
	line = strings.TrimSuffix(strings.TrimSuffix(line, "\n"), "\r")
	if line == "" {
		return auth.Secret{}, fmt.Errorf("no %s on standard input", strings.ToLower(what))
	}
	return auth.NewSecret(line), nil
}

func isTerminal(stream any) bool {
	file, ok := stream.(*os.File)
	return ok && term.IsTerminal(int(file.Fd()))
}

// confirm asks on a terminal whether to continue. Without a terminal, it returns a usage error that
// names --yes.
func (t terminal) confirm(question string) error {
	if !isTerminal(t.in) {
		return fmt.Errorf("%w: standard input is not a terminal; pass --yes to confirm", errUsage)
	}
	fmt.Fprintf(t.err, "%s [y/N] ", question)
	answer, err := bufio.NewReader(t.in).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	if answer = strings.ToLower(strings.TrimSpace(answer)); answer != "y" && answer != "yes" {
		return errors.New("not confirmed; nothing was changed")
	}
	return nil
}
