package e2e_test

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/edgeauth/edgeauth/test/document"
)

// blocksOf returns the code blocks of a page in a language.
func blocksOf(t *testing.T, page, language string) (all []string) {
	t.Helper()
	for _, section := range document.Read(t, page).Sections {
		for _, b := range section.Code {
			if b.Language == language {
				all = append(all, b.Text)
			}
		}
	}
	return all
}

// TestTestingPage pastes the commands of docs/testing.md into a shell. The good tokens get 200, and
// each bad token 403.
func TestTestingPage(t *testing.T) {
	s := fresh(t)
	out := s.paste(t, strings.Join(document.Pasted(t, "docs/testing.md"), "\n"))
	statuses := regexp.MustCompile(`(?m)^\d{3}$`).FindAllString(out, -1)
	if want := strings.Fields("200 403 403 403 403 403 403 200"); !slices.Equal(statuses, want) {
		t.Errorf("statuses %q, want %q:\n%s", statuses, want, out)
	}
	if n := strings.Count(out, "added worker"); n != 4 {
		t.Errorf("%d users were added:\n%s", n, out)
	}
	var keys struct{ Keys []json.RawMessage }
	text, err := os.ReadFile(filepath.Join(s.home, "jwks.json"))
	if err != nil || json.Unmarshal(text, &keys) != nil || len(keys.Keys) == 0 {
		t.Errorf("jwks.json holds %s, %v", text, err)
	}
}

// logInAtOnce sends parallel logins of the demo account with the right password, and returns how
// many of them got each status, 429 with its Retry-After.
func logInAtOnce(t *testing.T, s *server, n int) map[string]int {
	t.Helper()
	secret, err := os.ReadFile(filepath.Join(s.home, "demo-password"))
	if err != nil {
		t.Fatal(err)
	}
	body := `{"email":"demo@example.com","password":"` + strings.TrimSpace(string(secret)) + `"}`
	var (
		mu    sync.Mutex
		all   sync.WaitGroup
		count = map[string]int{}
	)
	for range n {
		all.Go(func() {
			answer, err := http.Post(s.url+"/auth/login", "application/json", strings.NewReader(body))
			if err != nil {
				t.Error(err)
				return
			}
			_ = answer.Body.Close()
			mu.Lock()
			defer mu.Unlock()
			count[strings.TrimSpace(answer.Status[:3]+" "+answer.Header.Get("Retry-After"))]++
		})
	}
	all.Wait()
	return count
}

// TestParallelLogins checks the statements of docs/testing.md about parallel logins of one account,
// and that its configuration helps.
func TestParallelLogins(t *testing.T) {
	count := logInAtOnce(t, fresh(t), 20)
	if waits := count["429 1"] + count["429 2"] + count["429 3"]; count["200"] < 5 || waits == 0 || count["200"]+waits != 20 {
		t.Errorf("by default: %v", count)
	}
	configurations := blocksOf(t, "testing.md", "json")
	if len(configurations) != 1 {
		t.Fatalf("the page has %d configurations", len(configurations))
	}
	t.Setenv("EDGEAUTH_CONFIG", configurations[0])
	if count := logInAtOnce(t, fresh(t), 20); count["200"] != 20 {
		t.Errorf("as configured: %v", count)
	}
}
