package keyrings_test

import (
	"crypto/rand"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/edgeauth/edgeauth/internal/keyrings"
	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/keyring"
)

func TestFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ring.json")
	source := keyrings.File(path)
	if _, err := source.Load(t.Context()); !errors.Is(err, auth.ErrNotFound) || !strings.Contains(err.Error(), path) {
		t.Errorf("no file: %v", err)
	}
	r := refreshRing(t)
	if err := keyrings.Save(t.Context(), source, r); err != nil {
		t.Fatal(err)
	}
	got, err := keyrings.Load(t.Context(), source, keyrings.RefreshRing)
	if err != nil || text(t, got) != text(t, r) {
		t.Errorf("%+v, %v", got, err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	files, err := os.ReadDir(filepath.Dir(path))
	if err != nil || len(files) != 2 { // the ring and its lock
		t.Errorf("%v, %v", files, err)
	}
}

func TestFileRefusesModes(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ring.json")
	if err := keyrings.Save(t.Context(), keyrings.File(path), refreshRing(t)); err != nil {
		t.Fatal(err)
	}
	modes := map[os.FileMode]bool{0o600: true, 0o400: true, 0o640: false, 0o604: false, 0o620: false, 0o644: false}
	for mode, ok := range modes {
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		_, err := keyrings.File(path).Load(t.Context())
		if errors.Is(err, keyrings.ErrExposed) == ok || !ok && !strings.Contains(err.Error(), "want 0600") {
			t.Errorf("%04o: %v", mode, err)
		}
		if _, err := keyring.LoadRefresh(t.Context(), keyrings.File(path), 1, clock); (err == nil) != ok {
			t.Errorf("%04o: the start says %v", mode, err)
		}
	}
}

func TestHalfWrittenFileStaysAsItIs(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ring.json")
	r := refreshRing(t)
	half := text(t, r)[:80]
	if err := os.WriteFile(path, []byte(half), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := keyring.LoadRefresh(t.Context(), keyrings.File(path), 1, clock); !errors.Is(err, keyrings.ErrMalformed) {
		t.Errorf("loaded: %v", err)
	}
	if err := keyrings.Save(t.Context(), keyrings.File(path), r); !errors.Is(err, keyrings.ErrMalformed) {
		t.Errorf("saved over: %v", err)
	}
	if got, err := os.ReadFile(path); err != nil || string(got) != half {
		t.Errorf("it holds %q, %v", got, err)
	}
}

func TestSaveTakesTheNextStateOnly(t *testing.T) {
	source := keyrings.File(filepath.Join(t.TempDir(), "ring.json"))
	first := refreshRing(t)
	second := first.Drop(2)
	for _, row := range []struct {
		name string
		ring keyrings.Ring
		want error
	}{
		{"the second first", second, keyrings.ErrConflict},
		{"the first", first, nil},
		{"another first", refreshRing(t), keyrings.ErrConflict},
		{"the second", second, nil},
		{"another second", first.Drop(1), keyrings.ErrConflict},
	} {
		if err := keyrings.Save(t.Context(), source, row.ring); !errors.Is(err, row.want) {
			t.Errorf("%s: %v", row.name, err)
		}
	}
}

func TestConcurrentWritersLoseNoKey(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ring.json")
	if err := keyrings.Save(t.Context(), keyrings.File(path), refreshRing(t)); err != nil {
		t.Fatal(err)
	}
	const writers = 8
	var wg sync.WaitGroup
	for i := range writers {
		wg.Go(func() {
			add := func(r keyrings.Ring) (keyrings.Ring, error) { return r.Add(uint16(10+i), "", instant, rand.Reader) }
			if _, err := keyrings.Update(t.Context(), keyrings.File(path), keyrings.RefreshRing, add); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	r, err := keyrings.Load(t.Context(), keyrings.File(path), keyrings.RefreshRing)
	if err != nil || len(r.Keys) != 2+writers || r.Serial != 1+writers {
		t.Errorf("%v, serial %d, %v", r.Versions(), r.Serial, err)
	}
}

func TestInlineIsNotSaved(t *testing.T) {
	text, err := refreshRing(t).Text()
	if err != nil {
		t.Fatal(err)
	}
	if keyrings.Inline(text).Save(t.Context(), text) == nil {
		t.Error("a ring that is given as its JSON was saved")
	}
}
