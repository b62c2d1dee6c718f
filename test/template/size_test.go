package template

import (
	"os"
	"strings"
	"testing"
)

// TestSize: with resolve_s3, SAM CLI uploads the template and passes its URL, also from a file that a
// request could hold (51,200 bytes). CloudFormation then accepts 1,000,000 bytes, before and after
// the transform. A tenth of that leaves room for the transform and for a stack's own changes, and a
// reviewer still reads the template in one sitting. TestPipelines holds every stage to resolve_s3.
func TestSize(t *testing.T) {
	text, err := os.ReadFile("../../template.yaml")
	if err != nil {
		t.Fatal(err)
	}
	const most = 100_000
	if len(text) > most {
		t.Errorf("template.yaml has %d bytes, want at most %d", len(text), most)
	}
}

// TestDeadLetters: the configuration does not skip the rule about dead-letter queues for all
// functions, because a function that is called asynchronously needs a queue.
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
