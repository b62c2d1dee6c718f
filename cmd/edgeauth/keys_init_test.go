package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestKeysInit: of the files that edgeauth dev makes, the command makes only the three rings, and
// it never replaces a ring.
func TestKeysInit(t *testing.T) {
	home := filepath.Join(t.TempDir(), "home")
	lines(t, done(t, "", "keys", "init", "--data", home, "--algorithm", "EdDSA"), `created the keys in .*/home; version 1 signs`)
	rings := map[string]string{}
	for _, name := range []string{"signing-ring.json", "refresh-keys.json", "login-ring.json"} {
		info, err := os.Stat(filepath.Join(home, name))
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Fatalf("%s: %v, %v", name, info, err)
		}
		text, err := os.ReadFile(filepath.Join(home, name))
		if err != nil {
			t.Fatal(err)
		}
		rings[name] = string(text)
	}
	if got := filesOf(t, home); !slices.Equal(got, []string{".gitignore", "login-ring.json", "refresh-keys.json", "signing-ring.json"}) {
		t.Errorf("the directory has %v", got)
	}
	if shown := done(t, "", "keys", "show", "--data", home); !strings.Contains(shown, "EdDSA") || strings.Contains(shown, "none yet") {
		t.Error(shown)
	}

	// Each single ring stops the command.
	for name := range rings {
		for other := range rings {
			if other != name {
				if err := os.Remove(filepath.Join(home, other)); err != nil {
					t.Fatal(err)
				}
			}
		}
		r := edgeauth(t, "", "keys", "init", "--data", home)
		if r.status != exitFailed || !strings.Contains(r.err, "has keys already ("+name+")") {
			t.Errorf("%s: exit %d, %s%s", name, r.status, r.out, r.err)
		}
		if got := filesOf(t, home); !slices.Equal(got, []string{".gitignore", name}) {
			t.Errorf("%s: the directory has %v", name, got)
		}
		for other, text := range rings {
			path := filepath.Join(home, other)
			if kept, err := os.ReadFile(path); other == name && (err != nil || string(kept) != text) {
				t.Errorf("%s was changed: %v", name, err)
			}
			if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	if r := edgeauth(t, "", "keys", "init", "--data", home, "--algorithm", "HS256"); r.status != exitUsage {
		t.Errorf("an unknown algorithm: exit %d, %s", r.status, r.err)
	}
}

// filesOf returns the names of the files in a folder, without those that lock a ring.
func filesOf(t *testing.T, folder string) (names []string) {
	t.Helper()
	files, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if filepath.Ext(f.Name()) != ".lock" {
			names = append(names, f.Name())
		}
	}
	return names
}

// TestHelpCommand: "edgeauth help" prints what --help prints, also for one command.
func TestHelpCommand(t *testing.T) {
	for _, command := range [][]string{nil, {"keys"}, {"keys", "init"}} {
		got := edgeauth(t, "", append([]string{"help"}, command...)...)
		want := edgeauth(t, "", append(command, "--help")...)
		if got != want || got.status != exitDone || got.out == "" {
			t.Errorf("help %v: %+v", command, got)
		}
	}
}
