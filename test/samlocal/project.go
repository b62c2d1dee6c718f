// Package samlocal runs the templates on this machine with the real SAM CLI: "sam build", and API
// Gateway and Lambda of "sam local", in containers. The functions use a local DynamoDB engine.
// Every run makes new keys, tables and a new user.
//
//	p := samlocal.Project{Root: root, Arch: "amd64", Work: work}
//	err := p.Build(ctx)
//	template, err := p.Compose(ctx, "test/samlocal/me.yaml")
//	state, err := p.Prepare(ctx, issuer, engine.DynamoDBLocal(t).Endpoint, nil)
//	server, err := p.Serve(ctx, template, state, 3000, nil)
package samlocal

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

// Project is the repository, with the processor of the functions.
type Project struct {
	Root string // absolute
	Arch string // GOARCH: amd64 or arm64
	Work string // absolute; the folder for all output
	// Log gets the output of the servers. nil keeps it for [Server.Log].
	Log io.Writer
}

// Architecture is Lambda's name for the processor.
func (p Project) Architecture() string {
	if p.Arch == "amd64" {
		return "x86_64"
	}
	return p.Arch
}

func (p Project) path(name ...string) string {
	return filepath.Join(append([]string{p.Root}, name...)...)
}

func (p Project) sam() string    { return p.path(".cache", "sam", "bin", "sam") }
func (p Project) python() string { return p.path(".cache", "sam", "bin", "python") }

// BuildFolder is the folder in which Build puts the functions and their template.
func (p Project) BuildFolder() string { return filepath.Join(p.Work, "build") }

// whoami is the folder in which Build puts the backend of the examples.
func (p Project) whoami() string { return filepath.Join(p.Work, "whoami") }

// Build builds the functions of template.yaml with "sam build", and the backend of the examples
// with its own Makefile.
func (p Project) Build(ctx context.Context) error {
	if err := p.quietly(p.command(ctx, p.sam(), "build", "--build-dir", p.BuildFolder(), "--parameter-overrides", "Architecture="+p.Architecture())); err != nil {
		return err
	}
	if err := os.MkdirAll(p.whoami(), 0o755); err != nil {
		return err
	}
	backend := p.command(ctx, "make", "--no-print-directory", "-C", p.path("examples", "whoami"), "build-WhoamiFunction")
	backend.Env = append(backend.Env, "ARTIFACTS_DIR="+p.whoami())
	return p.quietly(backend)
}

// command returns a command that runs in the repository. When ctx ends, the command gets an
// interrupt, as from Ctrl-C, so that SAM CLI removes its containers. A terminal's own Ctrl-C does
// not reach the command: it would be the second one.
func (p Project) command(ctx context.Context, name string, args ...string) *exec.Cmd {
	c := exec.CommandContext(ctx, name, args...)
	c.Dir = p.Root
	// Do not pass the user's AWS credentials: SAM CLI would call AWS with them and give them to the
	// functions. Without credentials it uses invented ones.
	c.Env = slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, "AWS_") })
	c.Env = append(c.Env, "AWS_CONFIG_FILE="+os.DevNull, "AWS_SHARED_CREDENTIALS_FILE="+os.DevNull,
		"AWS_EC2_METADATA_DISABLED=true", "AWS_DEFAULT_REGION=us-east-1", "SAM_CLI_TELEMETRY=0", "ARCH="+p.Arch)
	c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	c.Cancel = func() error { return c.Process.Signal(syscall.SIGINT) }
	c.WaitDelay = 30 * time.Second
	return c
}

// quietly runs a command. Its output is shown only in an error.
func (p Project) quietly(c *exec.Cmd) error {
	if out, err := c.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w\n%s", strings.Join(c.Args, " "), err, bytes.TrimSpace(out))
	}
	return nil
}

// Read returns a template, converted to JSON values.
func (p Project) Read(ctx context.Context, file string) (map[string]any, error) {
	c := p.command(ctx, p.python(), p.path("test", "template", "translate.py"), "read", file)
	var stderr bytes.Buffer
	c.Stderr = &stderr
	out, err := c.Output()
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w\n%s", file, err, &stderr)
	}
	var t map[string]any
	return t, json.Unmarshal(out, &t)
}

// Compose writes one template for "sam local" and returns its file. The template is the built
// template.yaml with the parameters and resources of other added. If other contains an API of its
// own, the API of template.yaml is left out.
func (p Project) Compose(ctx context.Context, other string) (file string, err error) {
	whole, err := p.Read(ctx, filepath.Join(p.BuildFolder(), "template.yaml"))
	if err != nil {
		return "", err
	}
	added, err := p.Read(ctx, other)
	if err != nil {
		return "", err
	}
	resources := section(whole, "Resources")
	if brings(added, "AWS::Serverless::HttpApi", "AWS::Serverless::Api") {
		// SAM CLI serves the APIs of one kind only: plain resources or its own.
		maps.DeleteFunc(resources, func(_ string, r any) bool {
			return strings.HasPrefix(r.(map[string]any)["Type"].(string), "AWS::ApiGatewayV2::")
		})
	} else {
		// SAM CLI does not resolve a condition that contains AWS::NoValue, and the API would then
		// have no CORS.
		cors := resources["Api"].(map[string]any)["Properties"].(map[string]any)["CorsConfiguration"].(map[string]any)
		cors["Fn::If"].([]any)[2] = map[string]any{}
	}
	maps.Copy(section(whole, "Parameters"), section(added, "Parameters"))
	maps.Copy(resources, section(added, "Resources"))
	for id, resource := range resources {
		r := resource.(map[string]any)
		if r["Type"] != "AWS::Serverless::Function" {
			continue
		}
		properties := r["Properties"].(map[string]any)
		properties["CodeUri"] = filepath.Join(p.BuildFolder(), id)
		if id == "WhoamiFunction" {
			properties["CodeUri"] = p.whoami()
		}
		properties["Architectures"] = []string{p.Architecture()}
		delete(r, "Metadata") // how to build; it is built already
	}
	if whole["Resources"], err = apiFirst(resources); err != nil {
		return "", err
	}
	text, err := json.MarshalIndent(whole, "", " ")
	if err != nil {
		return "", err
	}
	file = filepath.Join(p.Work, strings.TrimSuffix(filepath.Base(other), ".yaml")+".json")
	return file, os.WriteFile(file, text, 0o644)
}

// apiFirst returns resources as JSON that begins with Api, as template.yaml does: SAM CLI reads
// plain routes only if their Api comes before the first function.
func apiFirst(resources map[string]any) (json.RawMessage, error) {
	rest := maps.Clone(resources)
	delete(rest, "Api")
	text, err := json.Marshal(rest)
	if err != nil || resources["Api"] == nil {
		return text, err
	}
	api, err := json.Marshal(resources["Api"])
	return slices.Concat([]byte(`{"Api":`), api, []byte(","), text[1:]), err
}

// section returns a section of a template, and creates it if it is missing.
func section(template map[string]any, name string) map[string]any {
	part, ok := template[name].(map[string]any)
	if !ok {
		part = map[string]any{}
		template[name] = part
	}
	return part
}

func brings(template map[string]any, types ...string) bool {
	for _, r := range section(template, "Resources") {
		if slices.Contains(types, r.(map[string]any)["Type"].(string)) {
			return true
		}
	}
	return false
}

// localArgs returns the arguments of every "sam local" command.
func (p Project) localArgs(ctx context.Context, template, variables string, parameters map[string]string) []string {
	args := []string{
		"--template", template, "--env-vars", variables,
		// On Docker Desktop, containers know this name; on other systems it must be added.
		"--add-host", containerHost + ":host-gateway",
		"--parameter-overrides", "Architecture=" + p.Architecture(),
	}
	for name, value := range parameters {
		args = append(args, name+"="+value)
	}
	// If the image is there already, do not pull it: this machine may have no registry.
	images, err := exec.CommandContext(ctx, "docker", "images", "--quiet",
		"--filter", "reference=*/lambda/provided:al2023-"+p.Architecture()).Output()
	if err == nil && len(images) > 0 {
		args = append(args, "--skip-pull-image")
	}
	return args
}

// containerHost is the name of this machine in its containers.
const containerHost = "host.docker.internal"
