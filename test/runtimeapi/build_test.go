package runtimeapi_test

import (
	"bytes"
	"debug/elf"
	"os"
	"path/filepath"
	"testing"

	"github.com/edgeauth/edgeauth/test/runtimeapi"
)

// functions are the functions of the repository.
func functions(t *testing.T) []string {
	t.Helper()
	mains, err := filepath.Glob("../../functions/*/main.go")
	if err != nil || len(mains) == 0 {
		t.Fatalf("no functions: %v", err)
	}
	var names []string
	for _, main := range mains {
		names = append(names, filepath.Base(filepath.Dir(main)))
	}
	return names
}

// Lambda cannot run a program for another architecture, and its smallest runtime has no C library.
func TestProgram(t *testing.T) {
	for arch, machine := range map[string]elf.Machine{"amd64": elf.EM_X86_64, "arm64": elf.EM_AARCH64} {
		for _, function := range functions(t) {
			file, err := elf.Open(built(t, arch, function))
			if err != nil {
				t.Fatal(err)
			}
			machine := machine
			if function == "keys" { // it runs on x86_64, so that it can refuse a build for another processor
				machine = elf.EM_X86_64
			}
			if file.Machine != machine {
				t.Errorf("%s for %s is for %s", function, arch, file.Machine)
			}
			for _, p := range file.Progs {
				if p.Type == elf.PT_INTERP || p.Type == elf.PT_DYNAMIC {
					t.Errorf("%s for %s is linked dynamically", function, arch)
				}
			}
			for _, section := range []string{".symtab", ".debug_info", ".zdebug_info"} {
				if file.Section(section) != nil {
					t.Errorf("%s for %s has a section %s", function, arch, section)
				}
			}
			_ = file.Close()
		}
	}
}

// TestSize bounds the authorizer, because reading the program is a part of its start. It counts the
// bytes of the loaded segments. The file is larger: on arm64 the linker pads each segment to 64 KB,
// so a few bytes can change its size by as much.
func TestSize(t *testing.T) {
	const budget = 6_250_000
	for _, function := range functions(t) {
		file, err := elf.Open(built(t, "arm64", function))
		if err != nil {
			t.Fatal(err)
		}
		loaded := uint64(0)
		for _, p := range file.Progs {
			if p.Type == elf.PT_LOAD {
				loaded += p.Filesz
			}
		}
		_ = file.Close()
		t.Logf("%s for arm64: %.2f MB", function, float64(loaded)/1e6)
		if function == "authorizer" && loaded > budget {
			t.Errorf("the authorizer has %d bytes, more than %d", loaded, budget)
		}
	}
}

// The same sources give the same bytes in another folder, so that a third party can check what is
// deployed.
func TestBuildIsReproducible(t *testing.T) {
	built(t, "arm64", "login")
	elsewhere := t.TempDir()
	for _, folder := range []string{"functions", "pkg", "internal"} {
		if err := os.CopyFS(filepath.Join(elsewhere, folder), os.DirFS(filepath.Join("../..", folder))); err != nil {
			t.Fatal(err)
		}
	}
	for _, file := range []string{"Makefile", "sam.mk", "go.mod", "go.sum"} {
		text, err := os.ReadFile(filepath.Join("../..", file))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(elsewhere, file), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := runtimeapi.Build(elsewhere, "dist", "arm64"); err != nil {
		t.Fatal(err)
	}
	for _, function := range functions(t) {
		one, err1 := os.ReadFile(built(t, "arm64", function))
		other, err2 := os.ReadFile(runtimeapi.Bootstrap(filepath.Join(elsewhere, "dist"), "arm64", function))
		if err1 != nil || err2 != nil || !bytes.Equal(one, other) {
			t.Errorf("%s differs from the one built in another folder (%v, %v)", function, err1, err2)
		}
	}
}
