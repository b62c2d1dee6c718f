package template

import (
	"os"
	"strings"
	"testing"
)

// TestSize: CloudFormation accepts a template of up to 51,200 bytes in a request. A larger one must
// go through a bucket.
func TestSize(t *testing.T) {
	text, err := os.ReadFile("../../template.yaml")
	if err != nil {
		t.Fatal(err)
	}
	const most = 48_000 // room for a stack's own changes
	if len(text) > most {
		t.Errorf("template.yaml has %d bytes, want at most %d", len(text), most)
	}
}

// TestDeadLetters: no configuration skips the rule about dead-letter queues for all functions. A
// function that is called asynchronously needs a queue.
func TestDeadLetters(t *testing.T) {
	text, err := os.ReadFile("../../.checkov.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if line = strings.TrimSpace(line); !strings.HasPrefix(line, "#") && strings.Contains(line, "CKV_AWS_116") {
			t.Errorf(".checkov.yaml has the line %q, want a reason at each function", line)
		}
	}
}
