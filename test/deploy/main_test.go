// Package deploy_test deploys the unchanged template.yaml with the real SAM CLI to an emulator of
// AWS, and uses the stack like its owner and its users. The functions are the real binaries, and
// each call of a function is checked against the policies of its role.
//
// "make deploy-test" runs it. docs/deployment.md lists what is tried, and what a green run does not
// prove.
package deploy_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/edgeauth/edgeauth/test/engine"
	"github.com/edgeauth/edgeauth/test/samlocal"
)

// cache is the folder of the fetched programs.
const cache = "../../.cache"

// project has the parts that all tests share: the emulator, and the functions, built once.
type project struct {
	samlocal.Project
	*cloud
	edgeauth string   // the command-line program
	template document // template.yaml, built and packaged
	*packed
}

// needs are the programs that must have been fetched, with the files that pin them.
var needs = []struct{ what, pins, stamp, remedy string }{
	{"MiniStack", "requirements.txt", "deploy/fetched.txt", "make deploy-test"},
	{"SAM CLI", "../samlocal/requirements-sam.txt", "sam/fetched.txt", "make .cache/sam/fetched.txt"},
}

// open returns the project for a test, which then runs in parallel with the other tests.
func open(t *testing.T) *project {
	t.Helper()
	arch := os.Getenv("EDGEAUTH_DEPLOY_ARCH")
	switch {
	case arch == "" && os.Getenv("CI") == "true":
		t.Skip("it is a run of its own: make deploy-test")
	case arch == "":
		engine.LeaveOut(t, "a deployment to an emulator", "make deploy-test")
	case runtime.GOOS != "linux":
		engine.LeaveOut(t, "Linux, for which functions are built,", "run the tests there")
	}
	for _, n := range needs {
		want, err := os.ReadFile(n.pins)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := os.ReadFile(filepath.Join(cache, n.stamp)); err != nil || !bytes.Equal(got, want) {
			engine.LeaveOut(t, n.what, n.remedy)
		}
	}
	p, err := prepared()
	if err != nil {
		t.Fatal(err)
	}
	t.Parallel()
	return p
}

var (
	work string      // the folder of the run, which TestMain makes and removes
	stop = func() {} // ends the emulator, if it was started
)

var prepared = sync.OnceValues(func() (*project, error) {
	root, err := filepath.Abs("../..")
	if err != nil {
		return nil, err
	}
	p := &project{
		Project:  samlocal.Project{Root: root, Arch: os.Getenv("EDGEAUTH_DEPLOY_ARCH"), Work: filepath.Join(work, "built")},
		edgeauth: filepath.Join(work, "edgeauth"),
		packed:   &packed{examples: map[string]document{}},
	}
	folder := filepath.Join(work, "emulator")
	if err := os.Mkdir(folder, 0o700); err != nil {
		return nil, err
	}
	if p.cloud, err = startCloud(folder); err != nil {
		return nil, err
	}
	stop = p.process.Stop
	if out, err := exec.Command("go", "build", "-o", p.edgeauth, "../../cmd/edgeauth").CombinedOutput(); err != nil {
		return nil, fmt.Errorf("%w\n%s", err, out)
	}
	ctx := context.Background()
	if err := p.Build(ctx); err != nil {
		return nil, err
	}
	p.template, err = p.packaged(ctx, p.BuildFolder())
	return p, err
})

func TestMain(m *testing.M) {
	status := 1
	defer func() { os.Exit(status) }()
	var err error
	if work, err = os.MkdirTemp("", "edgeauth-deploy-"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return
	}
	defer func() { _ = os.RemoveAll(work) }()
	status = m.Run()
	stop()
}

// run runs a program against the emulator, in the root of the repository. An error contains its
// output.
func (p *project) run(ctx context.Context, input, name string, args ...string) (output string, err error) {
	if output, err = p.runWith(ctx, nil, input, name, args...); err != nil {
		return "", err
	}
	return output, nil
}

// runWith runs a program with more environment variables. It returns the output of a program that fails,
// too.
func (p *project) runWith(ctx context.Context, variables []string, input, name string, args ...string) (output string, err error) {
	c := exec.CommandContext(ctx, name, args...)
	c.Dir, c.Env, c.Stdin = p.Root, append(p.environment("ARCH="+p.Arch), variables...), strings.NewReader(input)
	var out, problems bytes.Buffer
	c.Stdout, c.Stderr = &out, &problems
	if err := c.Run(); err != nil {
		return out.String(), fmt.Errorf("%s: %w\n%s%s", strings.Join(c.Args, " "), err, &out, &problems)
	}
	return out.String(), nil
}

// sam runs SAM CLI.
func (p *project) sam(ctx context.Context, args ...string) error {
	_, err := p.run(ctx, "", filepath.Join(p.Root, ".cache", "sam", "bin", "sam"), args...)
	return err
}
