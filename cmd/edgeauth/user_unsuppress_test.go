package main

import (
	"strings"
	"testing"

	"github.com/edgeauth/edgeauth/pkg/auth/mail"
)

// TestUserUnsuppress: after the command, mails are sent to the address again, in every spelling,
// and another address stays suppressed.
func TestUserUnsuppress(t *testing.T) {
	home := newHome(t)
	stores, keys := openHome(t, home)
	list := &mail.Suppressions{Counters: stores.Counters, Keys: keys}
	for _, address := range []string{"ada@example.com", "bob@example.com"} {
		if err := list.Suppress(t.Context(), address); err != nil {
			t.Fatal(err)
		}
	}
	for _, want := range []string{"Ada@EXAMPLE.com: mails are sent again\n", "Ada@EXAMPLE.com: was not suppressed\n"} {
		if got := done(t, "", "user", "unsuppress", "--data", home, "Ada@EXAMPLE.com"); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	for address, want := range map[string]bool{"ada@example.com": false, "bob@example.com": true} {
		if got, err := list.Suppressed(t.Context(), address); got != want || err != nil {
			t.Errorf("%s is suppressed: %t, %v", address, got, err)
		}
	}
	if got := done(t, "", "user", "unsuppress", "--data", home, "--json", "bob@example.com"); !strings.Contains(got, `"was_suppressed": true`) {
		t.Errorf("as JSON: %s", got)
	}
	if got := quoted("a'$(x)@example.com"); got != `'a'\''$(x)@example.com'` {
		t.Errorf("as a word of a shell: %s", got)
	}
}
