package bench

import (
	"bytes"
	"context"
	"io"
	"testing"

	"github.com/aws/aws-lambda-go/lambda"

	"github.com/edgeauth/edgeauth/internal/audit"
	"github.com/edgeauth/edgeauth/internal/config"
	"github.com/edgeauth/edgeauth/pkg/auth/authorizer"
	"github.com/edgeauth/edgeauth/pkg/auth/token"
)

// The kinds of input.
const (
	aSignature  = "a signature alone"
	aToken      = "a token"
	anHTTPEvent = "an HTTP API 2.0 event"
	aRESTEvent  = "a REST REQUEST event"
)

// A turn is much longer than reading the clock takes, and much shorter than a scheduler's time
// slice, so most turns are undisturbed even on a busy machine. There are more rounds than for
// benchmarks that sleep and write.
const (
	runsATurn  = 10
	roundsEach = 5
)

// BenchmarkVerify measures the work for one request: from a token's text to its claims, and from an
// event's bytes to the answer's bytes. It is compared with the signature check alone, which every
// verifier must do.
func BenchmarkVerify(b *testing.B) {
	is, err := issue()
	if err != nil {
		b.Fatal(err)
	}
	for _, contest := range []struct {
		name string
		run  func(b *testing.B, is issued, alg token.Algorithm)
	}{
		{"token", tokens},
		{"http", httpEvents},
		{"rest", restEvents},
		{"node", onNode},
	} {
		for _, alg := range algorithms {
			b.Run(contest.name+"/"+string(alg), func(b *testing.B) { contest.run(b, is, alg) })
		}
	}
}

func tokens(b *testing.B, is issued, alg token.Algorithm) {
	verifier, parse := ours(b, is), golangJWT(is, alg)
	decide(b, aToken, is, alg, is.tokens[alg], forged(is.tokens[alg]), []way[string]{
		{"ours", "**edgeauth**", func(text string) error {
			_, err := verifier.Verify(context.Background(), text)
			return err
		}},
		{"golang-jwt", "golang-jwt", func(text string) error {
			_, err := parse(text)
			return err
		}},
		{"jwx", "lestrrat-go/jwx", jwx(b, is)},
		{"go-jose", "go-jose", goJose(b, is, alg)},
	})
}

func httpEvents(b *testing.B, is issued, alg token.Algorithm) {
	good, bad := event(b, "http-api", is.tokens[alg]), event(b, "http-api", forged(is.tokens[alg]))
	const allowed = `"isAuthorized":true`
	decide(b, anHTTPEvent, is, alg, good, bad, []way[[]byte]{
		{"ours", "**edgeauth**", invoke(oursInvoked(b, is, nil), allowed)},
		{"ours-logging", "**edgeauth**, writing its log line", invoke(oursInvoked(b, is, io.Discard), allowed)},
		{"ours-metering", "**edgeauth**, writing its log line with metrics", invoke(oursInvoked(b, is, audit.Metered(io.Discard, "edgeauth/edgeauth")), allowed)},
		{"usual", "aws-lambda-go + golang-jwt", invoke(usualHTTP(golangJWT(is, alg)), allowed)},
	})
	b.ReportMetric(float64(len(good)), "event-bytes")
}

func restEvents(b *testing.B, is issued, alg token.Algorithm) {
	good, bad := event(b, "rest-request", is.tokens[alg]), event(b, "rest-request", forged(is.tokens[alg]))
	const allowed = `"Effect":"Allow"`
	decide(b, aRESTEvent, is, alg, good, bad, []way[[]byte]{
		{"ours", "**edgeauth**", invoke(oursInvoked(b, is, nil), allowed)},
		{"usual", "aws-lambda-go + golang-jwt", invoke(usualREST(golangJWT(is, alg)), allowed)},
	})
	b.ReportMetric(float64(len(good)), "event-bytes")
}

func oursInvoked(b *testing.B, is issued, log io.Writer) *authorizer.Authorizer {
	b.Helper()
	a, err := authorizer.New(authorizer.Config{Verifier: ours(b, is), HTTPResponse: config.ResponseSimple, Log: log})
	if err != nil {
		b.Fatal(err)
	}
	return a
}

// invoke returns a function that decides about an event. It returns an error unless the answer
// contains the text allowed.
func invoke(h lambda.Handler, allowed string) func(event []byte) error {
	return func(event []byte) error {
		answer, err := h.Invoke(context.Background(), event)
		if err == nil && !bytes.Contains(answer, []byte(allowed)) {
			err = errRefused
		}
		return err
	}
}

// way is one way to decide about an input. It returns an error if it refuses the input.
type way[T any] struct {
	name, by string // its name in the metrics, and in the table
	decide   func(input T) error
}

// decide first checks that every way accepts good and refuses bad, then measures the ways.
func decide[T any](b *testing.B, what string, is issued, alg token.Algorithm, good, bad T, ways []way[T]) {
	b.Helper()
	contestants := make([]contestant, len(ways))
	for i, w := range ways {
		if err := w.decide(good); err != nil {
			b.Fatalf("%s: %v", w.name, err)
		}
		if w.decide(bad) == nil {
			b.Fatalf("%s accepts a forged token", w.name)
		}
		contestants[i] = contestant{w.name, func() error { return w.decide(good) }}
	}
	bare := bareCheck(b, is, is.tokens[alg])
	took := against(b, roundsEach, runsATurn, contestant{"bare", bare}, contestants...)
	least := allocations(bare)
	results.bare(aSignature, "Go's standard library", alg, took[0])
	for i, w := range ways {
		above := allocations(contestants[i].run) - least
		b.ReportMetric(float64(above), w.name+"-allocs-above-bare")
		results.ratio(what, w.by, alg, ratio(took[i+1], took[0]))
		results.allocated(what, w.by, alg, above)
	}
}

func allocations(f func() error) int { return int(testing.AllocsPerRun(100, func() { _ = f() })) }
