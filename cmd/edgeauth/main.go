// Command edgeauth runs edgeauth on a laptop and manages users, sessions, keys and tokens:
//
//	edgeauth dev
//	edgeauth user add ada@example.com
//	edgeauth user list --store stack:auth
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
	"time"

	"github.com/alecthomas/kong"

	"github.com/edgeauth/edgeauth/cmd/edgeauth/internal/stack"
)

const description = `Authentication for serverless APIs: run it on this machine, and manage users, sessions, keys and tokens.

Passwords and tokens are never arguments: they are read from standard input, or a prompt asks for them.`

// grammar is the command line. Each noun has its own file.
type grammar struct {
	JSON bool `help:"Print JSON instead of text for people."`

	Dev     devCommand     `cmd:"" help:"Run edgeauth on this machine."`
	User    userCommand    `cmd:"" help:"Manage users."`
	Session sessionCommand `cmd:"" help:"List and end sessions."`
	Keys    keysCommand    `cmd:"" help:"Create, show and rotate the keys."`
	Token   tokenCommand   `cmd:"" help:"Issue and verify access tokens."`
	Config  configCommand  `cmd:"" help:"Check a configuration before it is deployed."`
	Doctor  doctorCommand  `cmd:"" help:"Check a deployed stack or a data directory, and print what is wrong and the cure."`
	Attach  attachCommand  `cmd:"" help:"Print the template blocks that attach the authorizer of a deployed stack to your own API."`
	Tables  tablesCommand  `cmd:"" help:"Create tables in a local engine."`
	Version versionCommand `cmd:"" help:"Print the version, as --version does."`
}

// terminal is what a command reads and writes.
type terminal struct {
	in       io.Reader
	out, err io.Writer
	json     bool
	sleep    func(ctx context.Context, d time.Duration) error
}

// sleep waits, and returns the error of ctx if ctx ends before.
func sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Exit statuses.
const (
	exitDone   = 0
	exitFailed = 1 // the command failed
	exitUsage  = 2 // the command line was wrong
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	status := run(ctx, os.Args[1:], terminal{in: os.Stdin, out: os.Stdout, err: os.Stderr, sleep: sleep})
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
	case args[0] == "help": // of a command: edgeauth help keys
		args = append(slices.Clone(args[1:]), "--help")
	case args[0] == "--version": // a common spelling
		args = slices.Concat([]string{"version"}, args[1:])
	}
	command, err := parser.Parse(args)
	if exited { // help was printed
		return status
	}
	if err != nil {
		return usage(t, explainFlag(err.Error()))
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

// explainFlag adds a hint to the error for an unknown flag: how to write an argument that begins
// with a dash.
func explainFlag(wrong string) string {
	if strings.HasPrefix(wrong, "unknown flag ") {
		wrong += ` (put an argument that begins with a dash at the end, after "--")`
	}
	return wrong
}

// usage reports a wrong command line.
func usage(t terminal, wrong string) (status int) {
	fmt.Fprintf(t.err, "edgeauth: %s\nTry \"edgeauth --help\".\n", wrong)
	return exitUsage
}

// errUsage marks an error in the command line.
var errUsage = errors.New("wrong usage")
