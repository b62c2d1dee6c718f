// Command edgeauth runs authentication on a laptop and looks after users, keys and tokens.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"

	"github.com/alecthomas/kong"

	"github.com/edgeauth/edgeauth/cmd/edgeauth/internal/stack"
)

const description = `Authentication for serverless APIs: run it on this machine, and look after users, keys and tokens.

Passwords and tokens are read from standard input or asked for; they are never arguments.`

// grammar is the command line: one noun a file.
type grammar struct {
	JSON bool `help:"Print JSON instead of text for people."`

	Dev     devCommand     `cmd:"" help:"Run the whole product on this machine."`
	User    userCommand    `cmd:"" help:"Look after users."`
	Keys    keysCommand    `cmd:"" help:"Show the keys and move them on."`
	Token   tokenCommand   `cmd:"" help:"Issue and verify access tokens."`
	Tables  tablesCommand  `cmd:"" help:"Make tables in a local engine."`
	Version versionCommand `cmd:"" help:"Print the version; so does --version."`
}

// terminal is where a command reads and writes.
type terminal struct {
	in       io.Reader
	out, err io.Writer
	json     bool
}

// Exit statuses.
const (
	exitDone   = 0
	exitFailed = 1 // the thing asked for did not happen
	exitUsage  = 2 // the words were wrong
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	status := run(ctx, os.Args[1:], terminal{in: os.Stdin, out: os.Stdout, err: os.Stderr})
	stop()
	os.Exit(status)
}

func run(ctx context.Context, args []string, t terminal) (status int) {
	var g grammar
	exited := false
	parser, err := kong.New(&g,
		kong.Name("edgeauth"), kong.Description(description), kong.UsageOnError(),
		kong.Writers(t.out, t.err),
		kong.Exit(func(s int) { exited, status = true, s }),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, FlagsLast: true}),
	)
	if err != nil {
		fmt.Fprintln(t.err, "edgeauth:", err)
		return exitFailed
	}
	switch {
	case len(args) == 0:
		args = []string{"--help"}
	case args[0] == "--version": // every program has it
		args = slices.Concat([]string{"version"}, args[1:])
	}
	command, err := parser.Parse(keyIDsLast(args))
	if exited { // help was asked for, and printed
		return status
	}
	if err != nil {
		return usage(t, err.Error())
	}
	t.json = g.JSON
	command.BindTo(ctx, (*context.Context)(nil))
	if err := command.Run(t); err != nil {
		if errors.Is(err, errUsage) {
			return usage(t, strings.TrimPrefix(err.Error(), errUsage.Error()+": "))
		}
		fmt.Fprintln(t.err, "edgeauth:", stack.Explain(err))
		return exitFailed
	}
	return exitDone
}

// usage says what is wrong with the words, whoever found it.
func usage(t terminal, wrong string) (status int) {
	fmt.Fprintf(t.err, "edgeauth: %s\nTry \"edgeauth --help\".\n", wrong)
	return exitUsage
}

// errUsage marks an error that only other words on the command line can mend.
var errUsage = errors.New("wrong usage")
