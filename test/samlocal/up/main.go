// Command up serves the template on this machine until it is interrupted. The functions run in
// containers and use DynamoDB Local. Keys, tables and the user are deleted at the end.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"

	"github.com/edgeauth/edgeauth/test/engine"
	"github.com/edgeauth/edgeauth/test/samlocal"
)

func main() {
	arch := flag.String("arch", "", "the processor of the containers: amd64 or arm64")
	port := flag.Int("port", 3000, "where to listen")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := serve(ctx, *arch, *port); err != nil && ctx.Err() == nil {
		fmt.Fprintln(os.Stderr, "sam-local:", err)
		os.Exit(1)
	}
}

func serve(ctx context.Context, arch string, port int) error {
	if err := samlocal.CheckPort(port); err != nil { // before the build, which takes long
		return err
	}
	root, err := os.Getwd()
	if err != nil {
		return err
	}
	p := samlocal.Project{Root: root, Arch: arch, Work: filepath.Join(root, ".cache", "samlocal"), Log: os.Stderr}
	fmt.Println("Building, and starting DynamoDB Local ...")
	if err := p.Build(ctx); err != nil {
		return err
	}
	template, err := p.Compose(ctx, filepath.Join(root, "test", "samlocal", "me.yaml"))
	if err != nil {
		return err
	}
	database := engine.DynamoDBLocal(terminal{}) // ends with this process
	issuer := "http://127.0.0.1:" + strconv.Itoa(port)
	state, err := p.Prepare(ctx, issuer, database.Endpoint, nil)
	defer func() { _ = os.Remove(state.Variables) }() // it contains keys
	if err != nil {
		return err
	}
	server, err := p.Serve(ctx, template, state, port, nil)
	if err != nil {
		return err
	}
	defer server.Stop()
	welcome(server.URL, state)
	select {
	case <-ctx.Done():
		return nil
	case <-server.Ended():
		return errors.New("sam local start-api has ended")
	}
}

func welcome(url string, s samlocal.State) {
	fmt.Printf(`
edgeauth answers at %[1]s, from containers. Ctrl-C ends it, and its users and sessions with it.

Log in:
  curl -s %[1]s/auth/login --json '{"email":"%[2]s","password":"%[3]s"}' | tee .cache/samlocal/tokens.json

Ask a protected route, with the access token (200), with a bad one (403) and with none (401):
  curl -i %[1]s/me -H "Authorization: Bearer $(sed 's/.*"access_token":"\([^"]*\).*/\1/' .cache/samlocal/tokens.json)"
  curl -i %[1]s/me -H 'Authorization: Bearer bad'
  curl -i %[1]s/me

Refresh:
  curl -s %[1]s/auth/refresh --json '{"refresh_token":"'$(sed 's/.*"refresh_token":"\([^"]*\).*/\1/' .cache/samlocal/tokens.json)'"}'

`, url, samlocal.Email, s.Password.Reveal())
}

// terminal is the testing.TB that package engine expects. A failure ends this program.
type terminal struct{ testing.TB }

func (terminal) Helper()      {}
func (terminal) Name() string { return "sam-local" }
func (terminal) Fatal(args ...any) {
	fmt.Fprintln(os.Stderr, append([]any{"sam-local:"}, args...)...)
	os.Exit(1)
}
func (t terminal) Fatalf(format string, args ...any) { t.Fatal(fmt.Sprintf(format, args...)) }
func (t terminal) Skip(args ...any)                  { t.Fatal(args...) }
