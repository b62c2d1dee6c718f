package document_test

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/edgeauth/edgeauth/test/document"
)

// TestLinks follows every link from one page to another, to a heading, or to a file.
func TestLinks(t *testing.T) {
	all, followed := document.Pages(t), 0
	for page, text := range all {
		for _, m := range regexp.MustCompile(`\]\(([^)\s]+)\)`).FindAllStringSubmatch(text, -1) {
			if strings.Contains(m[1], "://") {
				continue
			}
			followed++
			path, anchor, hasAnchor := strings.Cut(m[1], "#")
			target := page
			if path != "" {
				target = filepath.ToSlash(filepath.Join(filepath.Dir(page), path))
			}
			if _, err := os.Stat(filepath.Join(document.Root(t), target)); err != nil {
				t.Errorf("%s: the link %s leads nowhere", page, m[1])
			} else if hasAnchor && !slices.Contains(anchors(all[target]), anchor) {
				t.Errorf("%s: the link %s names no heading", page, m[1])
			}
		}
	}
	if followed < 50 {
		t.Errorf("only %d links", followed)
	}
}

// anchors returns the anchors of a page's headings, as GitHub makes them.
func anchors(text string) (list []string) {
	for _, m := range regexp.MustCompile(`(?m)^#+ (.*)$`).FindAllStringSubmatch(text, -1) {
		anchor := strings.ReplaceAll(strings.ToLower(m[1]), " ", "-")
		list = append(list, regexp.MustCompile(`[^\p{L}\p{N}_-]`).ReplaceAllString(anchor, ""))
	}
	return list
}

// TestContents holds the README's table of contents to the pages that there are.
func TestContents(t *testing.T) {
	all := document.Pages(t)
	for page := range all {
		if page != "README.md" && !strings.HasPrefix(page, "web/") && !strings.HasPrefix(page, "examples/") && !strings.Contains(all["README.md"], "]("+page+")") {
			t.Errorf("README.md does not name %s", page)
		}
	}
}

// TestHouse holds the table of folders in docs/architecture.md to the packages that there are.
func TestHouse(t *testing.T) {
	root := document.Root(t)
	packages := map[string]bool{}
	for _, pattern := range []string{"pkg/auth/*/*.go", "pkg/auth/*/*/*.go"} {
		paths, err := filepath.Glob(filepath.Join(root, pattern))
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range paths {
			name, err := filepath.Rel(filepath.Join(root, "pkg", "auth"), filepath.Dir(path))
			if err != nil {
				t.Fatal(err)
			}
			packages[filepath.ToSlash(name)] = true
		}
	}
	rooms := map[string]bool{}
	for _, table := range document.Read(t, "architecture.md").Tables("folder") {
		for _, row := range table.Rows {
			for _, name := range document.Words(row["folder"]) {
				if rest, library := strings.CutPrefix(name, "pkg/auth/"); library {
					name = rest
				}
				rooms[name] = true
			}
		}
	}
	for name := range packages {
		if !rooms[name] {
			t.Errorf("docs/architecture.md does not name the package %s", name)
		}
	}
	for name := range rooms {
		if _, err := os.Stat(filepath.Join(root, strings.Split(name, "<")[0])); !packages[name] && err != nil {
			t.Errorf("docs/architecture.md names %s, which does not exist", name)
		}
	}
}
