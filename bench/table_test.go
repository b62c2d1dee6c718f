package bench

import (
	"cmp"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/edgeauth/edgeauth/pkg/auth/token"
)

// TestMain prints the results of the verification benchmarks at the end, as one Markdown table.
func TestMain(m *testing.M) {
	status := m.Run()
	results.print(os.Stdout)
	os.Exit(status)
}

var results table

// table has a row for each verifier and kind of input, in the order of measurement.
type table struct {
	rows     []*row
	versions []string
}

type row struct {
	what, by    string
	times       map[token.Algorithm]string
	allocations map[token.Algorithm]string
}

func (t *table) row(what, by string) *row {
	i := slices.IndexFunc(t.rows, func(r *row) bool { return r.what == what && r.by == by })
	if i < 0 {
		i = len(t.rows)
		t.rows = append(t.rows, &row{what, by, map[token.Algorithm]string{}, map[token.Algorithm]string{}})
	}
	return t.rows[i]
}

// bare adds the time of a signature check.
func (t *table) bare(what, by string, alg token.Algorithm, took time.Duration) {
	t.row(what, by).times[alg] = fmt.Sprintf("%.1f µs", float64(took)/1e3)
}

// ratio adds the time of a decision, as a multiple of the signature check.
func (t *table) ratio(what, by string, alg token.Algorithm, times float64) {
	t.row(what, by).times[alg] = fmt.Sprintf("%.2f×", times)
}

// allocated adds how many allocations a decision makes beyond those of the signature check.
func (t *table) allocated(what, by string, alg token.Algorithm, above int) {
	t.row(what, by).allocations[alg] = fmt.Sprintf("%+d", above)
}

// note adds versions of peers, which are printed below the table with the versions of the Go peers.
func (t *table) note(versions ...string) {
	for _, v := range versions {
		if !slices.Contains(t.versions, v) {
			t.versions = append(t.versions, v)
		}
	}
}

func (t *table) print(to io.Writer) {
	if len(t.rows) == 0 {
		return
	}
	lines := []string{"", "| what | by | RS256 | ES256 | EdDSA | allocations |", "| --- | --- | ---: | ---: | ---: | ---: |"}
	for _, r := range t.rows {
		memory := slices.Compact(inOrder(r.allocations)) // one number if they are equal
		lines = append(lines, fmt.Sprintf("| %s | %s | %s | %s |",
			r.what, r.by, strings.Join(inOrder(r.times), " | "), strings.Join(memory, ", ")))
	}
	lines = append(lines, "", strings.Join(append(goVersions(), t.versions...), ", "), "")
	_, _ = io.WriteString(to, strings.Join(lines, "\n"))
}

// inOrder returns the values of the measured algorithms in a fixed order.
func inOrder(by map[token.Algorithm]string) []string {
	var list []string
	for _, alg := range algorithms {
		list = append(list, cmp.Or(by[alg], "–"))
	}
	return list
}

// goVersions returns the versions of Go and of the Go peers. A test's own build information does
// not contain them.
func goVersions() []string {
	versions := []string{runtime.GOOS + "/" + runtime.GOARCH, runtime.Version()}
	out, err := exec.Command("go", "list", "-m", "github.com/aws/aws-lambda-go", "github.com/golang-jwt/jwt/v5",
		"github.com/lestrrat-go/jwx/v3", "github.com/go-jose/go-jose/v4").Output()
	if err != nil {
		return append(versions, err.Error())
	}
	for line := range strings.Lines(string(out)) {
		versions = append(versions, strings.TrimPrefix(strings.TrimSpace(line), "github.com/"))
	}
	return versions
}
