package runtimeapi

import (
	"fmt"
	"io/fs"
	"os/exec"
	"path/filepath"
	"strings"
)

// Build builds the functions of the repository at root as they are deployed, with the rule of the
// Makefile, into dist/<arch>/<function>/bootstrap.
func Build(root, dist, arch string) error {
	if err := watch(root); err != nil {
		return err
	}
	command := exec.Command("make", "--no-print-directory", "-C", root, "build", "ARCH="+arch, "DIST="+dist)
	if out, err := command.CombinedOutput(); err != nil {
		return fmt.Errorf("make build: %w\n%s", err, out)
	}
	return nil
}

// Bootstrap returns the path of the program that Build writes for a function.
func Bootstrap(dist, arch, function string) string {
	return filepath.Join(dist, arch, function, "bootstrap")
}

// watch reads the source folders, so that go test does not reuse a cached result after a change: go
// test tracks the files that this process reads, not the files that the compiler reads.
func watch(root string) error {
	for _, folder := range []string{"functions", "pkg"} {
		err := filepath.WalkDir(filepath.Join(root, folder), func(path string, d fs.DirEntry, err error) error {
			if err == nil && d.IsDir() && strings.HasPrefix(d.Name(), ".") {
				return fs.SkipDir
			}
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}
