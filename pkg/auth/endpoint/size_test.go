package endpoint_test

import (
	"strings"
	"testing"

	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/user"
)

// TestSizes prints the bytes of each token and of each cookie with its name, as a browser counts
// and sends them, for a user with one role and for the longest subject. go test -v shows them.
func TestSizes(t *testing.T) {
	for _, row := range []struct {
		name string
		id   auth.SubjectID
	}{{"a UUID as subject", subject}, {"the longest subject", auth.SubjectID(strings.Repeat("x", auth.MaxSubjectBytes))}} {
		h, j := newHarness(t), jar{}
		mail := email
		if row.id != subject {
			mail = "longest@example.com"
			h.addUser(t, user.User{ID: row.id, Email: mail, Roles: []string{"admin"}})
		}
		a, _ := h.page(t, j, "/auth/login", `{"email":"`+mail+`","password":"`+secret+`","delivery":"cookies","device_delivery":"cookie"}`)
		if a.status != 200 {
			t.Fatal(a.text)
		}
		for _, name := range []string{"access", "refresh", "device"} {
			token, cookie := len(j[name]), len("__Host-Http-")+len(name)+len(j[name])
			t.Logf("%s: the %s token has %d bytes, name and value of its cookie %d, in the header Cookie %d", row.name, name, token, cookie, cookie+len("=; "))
			if cookie > 4096/4 {
				t.Errorf("the %s cookie has %d bytes, a quarter of what browsers keep", name, cookie)
			}
		}
		t.Logf("%s: the header Cookie of a request has %d bytes, the body of the login's answer %d", row.name, len(j.line())-1, len(a.body))
	}
}
