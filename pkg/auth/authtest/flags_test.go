package authtest_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// A program that links this package registers no flags, not even those of package testing.
func TestImportAddsNoFlags(t *testing.T) {
	const program = `package main

import (
	"flag"
	"fmt"

	_ "github.com/edgeauth/edgeauth/pkg/auth/authtest"
)

func main() { flag.VisitAll(func(f *flag.Flag) { fmt.Println(f.Name) }) }
`
	path := filepath.Join(t.TempDir(), "main.go")
	if err := os.WriteFile(path, []byte(program), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("go", "run", path).CombinedOutput(); err != nil || len(out) != 0 {
		t.Errorf("%v: %s", err, out)
	}
}
