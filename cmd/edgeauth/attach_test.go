package main

import (
	"encoding/json"
	"os"
	"strings"
	"testing"
)

// TestAttach: the printed blocks are those of the examples, which are deployed in tests, and of the
// page. Only the values differ: the examples refer to parameters.
func TestAttach(t *testing.T) {
	d := deploy(t)
	d.parameters["Audience"] = "https://api.example.com other"
	page := unindented(t, "../../docs/attach.md")
	authorizer, session := [2]string{d.outputs["AuthorizerArn"], "!Ref AuthorizerArn"}, [2]string{d.outputs["SessionAuthorizerArn"], "!Ref SessionAuthorizerArn"}
	for kind, row := range map[string]struct {
		example string
		values  [][2]string // each with the reference that stands for it in the example
	}{
		"native": {"native-http-api", [][2]string{
			{"{issuer: https://auth.example.com, audience: [https://api.example.com]}", "{issuer: !Ref Issuer, audience: [!Ref Issuer]}"}}},
		"http":         {"http-api", [][2]string{authorizer}},
		"session":      {"session-http-api", [][2]string{authorizer, session}},
		"cookie-http":  {"cookie-http-api", [][2]string{authorizer}},
		"cookie-rest":  {"cookie-rest-api", [][2]string{authorizer}},
		"rest-token":   {"rest-token", [][2]string{authorizer}},
		"rest-request": {"rest-request", [][2]string{authorizer}},
	} {
		t.Run(kind, func(t *testing.T) {
			heading, block, _ := strings.Cut(done(t, "", "attach", kind, "--store", "stack:auth"), "\n")
			for _, v := range row.values {
				if !strings.HasPrefix(heading, "# ") || strings.Count(block, v[0]) != 1 {
					t.Fatalf("%s\n%s\nwant %s in it once", heading, block, v[0])
				}
				block = strings.Replace(block, v[0], v[1], 1)
			}
			var lines []string
			for line := range strings.Lines(block) {
				lines = append(lines, strings.TrimSpace(line))
			}
			want := strings.Join(lines, "\n")
			if !strings.Contains(unindented(t, "../../examples/"+row.example+".yaml"), want) {
				t.Errorf("examples/%s.yaml has another block than\n%s", row.example, want)
			}
			if kind != "rest-request" && !strings.Contains(page, want) { // the page describes only its differences from rest-token
				t.Errorf("docs/attach.md has another block than\n%s", want)
			}
		})
	}
}

// unindented returns the lines of a file without their indentation and without comments.
func unindented(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for line := range strings.Lines(string(text)) {
		if line = strings.TrimSpace(line); !strings.HasPrefix(line, "#") {
			lines = append(lines, line)
		}
	}
	return strings.Join(lines, "\n")
}

// TestAttachAll: without a kind, all blocks are printed, with --json as one object.
func TestAttachAll(t *testing.T) {
	d := deploy(t)
	all := done(t, "", "attach", "--store", "stack:auth")
	var blocks map[string]string
	if err := json.Unmarshal([]byte(done(t, "", "attach", "--json", "--store", "stack:auth")), &blocks); err != nil || len(blocks) != len(attachments) {
		t.Fatalf("%v, %v", blocks, err)
	}
	for _, a := range attachments {
		if !strings.Contains(all, "# "+a.heading+"\n"+blocks[a.kind]) {
			t.Errorf("%s is missing in\n%s", a.kind, all)
		}
	}
	// Without a parameter Audience, the audience is the issuer.
	if want := "{issuer: https://auth.example.com, audience: [https://auth.example.com]}"; !strings.Contains(blocks["native"], want) {
		t.Errorf("%s\nwant %s", blocks["native"], want)
	}
	// An audience that YAML would read as something else than text is quoted.
	for audience, want := range map[string]string{"a,b]": "['a,b]']", "it's": "['it''s']", "123": "['123']", "true": "['true']", "https://a.example:": "['https://a.example:']"} {
		d.parameters["Audience"] = audience
		if got := done(t, "", "attach", "native", "--store", "stack:auth"); !strings.Contains(got, "audience: "+want+"}") {
			t.Errorf("audience %s:\n%s\nwant %s", audience, got, want)
		}
	}
}

// TestAttachOlderStack: a stack without the session authorizer has the other blocks.
func TestAttachOlderStack(t *testing.T) {
	d := deploy(t)
	delete(d.outputs, "SessionAuthorizerArn")
	if all := done(t, "", "attach", "--store", "stack:auth"); !strings.Contains(all, "TOKEN") || strings.Contains(all, "edgeauth-session") {
		t.Error(all)
	}
	r := edgeauth(t, "", "attach", "session", "--store", "stack:auth")
	if r.status != exitFailed || r.err != "edgeauth: the stack auth has no session authorizer; first deploy it with the current template.yaml\n" {
		t.Errorf("exit %d, %s", r.status, r.err)
	}
}

func TestAttachRefusals(t *testing.T) {
	d := deploy(t)
	for args, want := range map[string]string{
		"attach":                                  `edgeauth: .*--store.*`,
		"attach --store dynamodb":                 `edgeauth: --store dynamodb: only a deployed stack can be attached \(want stack:NAME\)`,
		"attach websocket --store stack:auth":     `edgeauth: .*native.*http.*rest-token.*rest-request.*`,
		"attach --store stack:auth --kind native": `edgeauth: unknown flag --kind.*`,
	} {
		r := edgeauth(t, "", strings.Fields(args)...)
		if r.status != exitUsage {
			t.Errorf("%s: exit %d", args, r.status)
		}
		lines(t, r.err, want, `Try "edgeauth --help"\.`)
	}
	delete(d.outputs, "AuthorizerArn")
	r := edgeauth(t, "", "attach", "--store", "stack:auth")
	if r.status != exitFailed || !strings.Contains(r.err, "lacks these outputs: AuthorizerArn;") {
		t.Errorf("exit %d, %s", r.status, r.err)
	}
}
