package engine

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
)

//go:embed package-lock.json
var lockFile []byte

// missingError says what is missing on this machine and how to get it.
type missingError struct{ what, remedy string }

func (e *missingError) Error() string { return e.what + " is missing: " + e.remedy }

// fetched returns the folder of an npm package that fetch.sh fetched.
func fetched(packageName string) (string, error) {
	root, err := repository()
	if err != nil {
		return "", err
	}
	cache := filepath.Join(root, ".cache", "engines")
	stamp, err := os.ReadFile(filepath.Join(cache, "fetched.json"))
	if err != nil || !bytes.Equal(stamp, lockFile) {
		return "", &missingError{packageName + " " + versionOf(packageName), "make engines"}
	}
	return filepath.Join(cache, "node_modules", filepath.FromSlash(packageName)), nil
}

// versionOf returns the version that the lock file pins, or "" if the lock file does not list the
// package.
func versionOf(packageName string) string {
	var lock struct {
		Packages map[string]struct{ Version string }
	}
	if err := json.Unmarshal(lockFile, &lock); err != nil {
		panic(err) // the file is embedded
	}
	return lock.Packages["node_modules/"+packageName].Version
}

// repository returns the root of the repository, which is above the test's working folder. It also
// works in other modules of the repository, such as bench.
func repository() (string, error) {
	folder, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		if _, err := os.Stat(filepath.Join(folder, "test", "engine", "package-lock.json")); err == nil {
			return folder, nil
		}
		parent := filepath.Dir(folder)
		if parent == folder {
			return "", errors.New("no test/engine/package-lock.json above the working folder: run the test in the repository")
		}
		folder = parent
	}
}
