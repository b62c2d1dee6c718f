package template

import (
	"debug/buildinfo"
	"debug/elf"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestArchitecture: ARCH selects the architecture of the programs and of the template.
func TestArchitecture(t *testing.T) {
	if _, err := exec.LookPath("make"); err != nil {
		t.Fatal("make is missing: install it")
	}
	for _, row := range []struct {
		arch         string
		architecture string
		machine      elf.Machine
	}{
		{"arm64", "arm64", elf.EM_AARCH64},
		{"amd64", "x86_64", elf.EM_X86_64},
	} {
		t.Run(row.arch, func(t *testing.T) {
			dist := t.TempDir()
			run(t, "build-AuthorizerFunction", "ARCH="+row.arch, "DIST="+filepath.Join(dist, "dist"), "ARTIFACTS_DIR="+dist)
			program, err := elf.Open(filepath.Join(dist, "bootstrap"))
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = program.Close() }()
			if program.Machine != row.machine {
				t.Errorf("the program is for %v, want %v", program.Machine, row.machine)
			}
			if info, err := buildinfo.ReadFile(filepath.Join(dist, "bootstrap")); err != nil || info.GoVersion != toolchain(t) {
				t.Errorf("the program is built with %+v, %v, want %s", info, err, toolchain(t))
			}
			said := run(t, "--dry-run", "sam-deploy", "ARCH="+row.arch, "STAGE=dev", "PARAMETERS=KeyVersion=2", "ARGS=--no-confirm-changeset")
			for _, want := range []string{
				"ARCH=" + row.arch + " .cache/sam/bin/sam build --parameter-overrides Architecture=" + row.architecture + "\n",
				"sam deploy --config-env dev --no-confirm-changeset --parameter-overrides Architecture=" + row.architecture + " LogRetentionDays=14 KeyVersion=2\n",
			} {
				if !strings.Contains(said, want) {
					t.Errorf("make says %s, want %s in it", said, want)
				}
			}
		})
	}
	if said, err := command("sam-build", "ARCH=mips").CombinedOutput(); err == nil || strings.Count(string(said), "\n") != 1 {
		t.Errorf("another architecture is answered %q, want a failure in one line", said)
	}
}

// TestMailTexts: the folder MAILS is in the function that sends mails, and in the function that
// checks a deployment.
func TestMailTexts(t *testing.T) {
	for name, want := range map[string]bool{"Mailer": true, "Keys": true, "Login": false} {
		for _, mails := range []string{"texts", ""} {
			said := run(t, "--dry-run", "build-"+name+"Function", "MAILS="+mails, "ARTIFACTS_DIR=to")
			if got := strings.Contains(said, `cp -R "texts" "to/mails"`); got != (want && mails != "") {
				t.Errorf("%s with MAILS=%q copies the folder: %t", name, mails, got)
			}
		}
	}
}

// toolchain returns the toolchain in go.mod.
func toolchain(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("../../go.mod")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if name, found := strings.CutPrefix(line, "toolchain "); found {
			return strings.TrimSpace(name)
		}
	}
	t.Fatal("go.mod names no toolchain")
	return ""
}

// command runs make independently of a make that runs the tests.
func command(args ...string) *exec.Cmd {
	c := exec.Command("make", append([]string{"--no-print-directory", "-C", "../.."}, args...)...)
	for _, variable := range os.Environ() {
		if !strings.HasPrefix(variable, "MAKE") && !strings.HasPrefix(variable, "MFLAGS=") {
			c.Env = append(c.Env, variable)
		}
	}
	return c
}

func run(t *testing.T, args ...string) string {
	t.Helper()
	out, err := command(args...).CombinedOutput()
	if err != nil {
		t.Fatalf("make %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return string(out)
}

// TestNoContainers: if Docker does not run, nothing is started, and one line says why.
func TestNoContainers(t *testing.T) {
	translated(t, "template.yaml") // skips the test if the tools are missing
	c := command("sam-local")
	c.Env = append(c.Env, "DOCKER_HOST=unix:///nonexistent")
	out, err := c.CombinedOutput()
	var said []string
	for line := range strings.Lines(string(out)) {
		if !strings.HasPrefix(line, "make: ***") {
			said = append(said, line)
		}
	}
	if err == nil || len(said) != 1 || !strings.Contains(strings.ToLower(said[0]), "docker") {
		t.Errorf("the answer is %q, want a failure and one line about Docker", out)
	}
}

// TestPipelines: a deployment without a change succeeds in every stage, the stages that people do not
// watch ask no question, and every stage uploads its template (TestSize).
func TestPipelines(t *testing.T) {
	text, err := os.ReadFile("../../samconfig.toml")
	if err != nil {
		t.Fatal(err)
	}
	sections := regexp.MustCompile(`(?m)^\[(\w+)\.deploy\.parameters\]\n((?:[^\[\n].*\n)+)`).FindAllStringSubmatch(string(text), -1)
	asks := map[string]bool{"default": true, "dev": false, "staging": false, "prod": true}
	if len(sections) != len(asks) {
		t.Fatalf("%d stages, want %d", len(sections), len(asks))
	}
	for _, s := range sections {
		for _, want := range []string{"resolve_s3 = true\n", "fail_on_empty_changeset = false\n", fmt.Sprintf("confirm_changeset = %v\n", asks[s[1]])} {
			if !strings.Contains(s[2], want) {
				t.Errorf("the stage %s has no %s", s[1], want)
			}
		}
	}
}

// TestPins: the tools that build and judge the templates are those of the .in files, and every package
// has hashes, so that pip installs nothing else.
func TestPins(t *testing.T) {
	pin := regexp.MustCompile(`^[a-z0-9.-]+==\S+( ; [^"]+?)?( +--hash=sha256:[0-9a-f]{64})+\n$`)
	read := func(name string) string {
		text, err := os.ReadFile(filepath.Join("../samlocal", name))
		if err != nil {
			t.Fatal(err)
		}
		return strings.ReplaceAll(string(text), "\\\n", "")
	}
	for _, name := range []string{"requirements-sam", "requirements-checkov", "requirements-pins"} {
		pinned := map[string]bool{}
		for line := range strings.Lines(read(name + ".txt")) {
			if strings.HasPrefix(line, "#") {
				continue
			}
			if !pin.MatchString(line) {
				t.Errorf("%s.txt has the line %q, want a version and its hashes", name, line)
			}
			pinned[strings.Fields(line)[0]] = true
		}
		for line := range strings.Lines(read(name + ".in")) {
			if line = strings.TrimSpace(line); !strings.HasPrefix(line, "#") && !pinned[line] {
				t.Errorf("%s.txt does not pin %s: make pins", name, line)
			}
		}
	}
}
