package template

import (
	"encoding/json"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	pages "github.com/edgeauth/edgeauth/test/document"
	"github.com/edgeauth/edgeauth/test/engine"
)

// TestComposeFile: the file for docker compose in docs/local.md is YAML, names only volumes that it
// declares, and publishes ports only on this machine.
func TestComposeFile(t *testing.T) {
	var text string
	for _, s := range pages.Read(t, "local.md").Sections {
		for _, block := range s.Code {
			if block.Language == "yaml" {
				text = block.Text
			}
		}
	}
	python, err := filepath.Abs("../../.cache/sam/bin/python")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := exec.LookPath(python); err != nil {
		engine.LeaveOut(t, "a reader of YAML", "make judge")
	}
	c := exec.Command(python, "-c", "import json, sys, yaml; json.dump(yaml.safe_load(sys.stdin), sys.stdout)")
	c.Stdin = strings.NewReader(text)
	out, err := c.Output()
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	var file struct {
		Services map[string]struct {
			Image                   string
			Command, Volumes, Ports []string
		}
		Volumes map[string]any
	}
	if err := json.Unmarshal(out, &file); err != nil {
		t.Fatal(err)
	}
	if len(file.Services) != 2 || len(file.Services["edgeauth"].Ports) == 0 {
		t.Fatalf("the file is %s", out)
	}
	for name, s := range file.Services {
		if s.Image == "" || len(s.Command) == 0 {
			t.Errorf("the service %s is %+v", name, s)
		}
		for _, p := range s.Ports {
			if !strings.HasPrefix(p, "127.0.0.1:") {
				t.Errorf("the service %s publishes %s to other machines", name, p)
			}
		}
		for _, v := range s.Volumes {
			from, _, _ := strings.Cut(v, ":")
			if _, declared := file.Volumes[from]; !declared && !strings.HasPrefix(from, "./") {
				t.Errorf("the service %s has the unknown volume %s", name, v)
			}
		}
	}
}
