package bench

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/edgeauth/edgeauth/pkg/auth/token"
	"github.com/edgeauth/edgeauth/test/engine"
)

// toNode is the input of node/verify.mjs.
type toNode struct {
	Rounds   int             `json:"rounds"`
	Runs     int             `json:"runs"` // in a turn
	Issuer   string          `json:"issuer"`
	Audience string          `json:"audience"`
	JWKS     json.RawMessage `json:"jwks"`
	Alg      token.Algorithm `json:"alg"`
	Token    string          `json:"token"`
	Forged   string          `json:"forged"`
	Event    string          `json:"event"` // an event of an HTTP API with the token
	Refused  string          `json:"refused"`
}

// fromNode is the output of node/verify.mjs.
type fromNode struct {
	Versions []string `json:"versions"`
	Bare     float64  `json:"bare"` // microseconds, as all times here
	Peers    []struct {
		Name  string  `json:"name"`
		Token float64 `json:"token"`
		Event float64 `json:"event"`
	} `json:"peers"`
}

// onNode measures verifiers on Node with the same tokens and events, in a separate process,
// compared with Node's own signature check. Between Go and Node, only the multiples are comparable.
func onNode(b *testing.B, is issued, alg token.Algorithm) {
	node, err := exec.LookPath("node")
	if err != nil {
		engine.LeaveOut(b, "node", "install Node.js 20 or later")
	}
	if _, err := os.Stat(filepath.Join("node", "node_modules", ".package-lock.json")); err != nil {
		engine.LeaveOut(b, "peers on Node", "npm ci --prefix bench/node")
	}
	text := is.tokens[alg]
	input, err := json.Marshal(toNode{
		Rounds: b.N * roundsEach, Runs: runsATurn, Issuer: issuer, Audience: audience, JWKS: is.jwks, Alg: alg,
		Token: text, Forged: forged(text),
		Event: string(event(b, "http-api", text)), Refused: string(event(b, "http-api", forged(text))),
	})
	if err != nil {
		b.Fatal(err)
	}
	command := exec.Command(node, "verify.mjs")
	command.Dir, command.Stdin, command.Stderr = "node", bytes.NewReader(input), os.Stderr
	output, err := command.Output()
	if err != nil {
		b.Fatal(err)
	}
	var found fromNode
	if err := json.Unmarshal(output, &found); err != nil {
		b.Fatal(err)
	}
	found.report(b, alg)
}

func (f fromNode) report(b *testing.B, alg token.Algorithm) {
	b.Helper()
	results.note(f.Versions...)
	results.bare(aSignature+", on Node", "Node's crypto", alg, time.Duration(f.Bare*1e3))
	b.ReportMetric(0, "ns/op") // the time of the whole process is meaningless
	b.ReportMetric(f.Bare, "bare-µs")
	for _, peer := range f.Peers {
		b.ReportMetric(peer.Token/f.Bare, peer.Name+"-token-×bare")
		b.ReportMetric(peer.Event/f.Bare, peer.Name+"-event-×bare")
	}
	for _, peer := range f.Peers {
		results.ratio(aToken+", on Node", peer.Name, alg, peer.Token/f.Bare)
	}
	for _, peer := range f.Peers {
		results.ratio(anHTTPEvent+", on Node", peer.Name, alg, peer.Event/f.Bare)
	}
}
