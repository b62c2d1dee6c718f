package dev

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/edgeauth/edgeauth/internal/outbox"
	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/mail"
)

var aCode = mail.Message{Kind: mail.KindSignup, To: "ada@example.com", Code: auth.NewSecret("01234567"), Reference: "BCDF"}

func TestInbox(t *testing.T) {
	var out bytes.Buffer
	o := Options{Home: Home(t.TempDir()), Out: &out, Mail: Mail{Link: "http://localhost:5173/auth"}}
	queue, folder, err := o.mails(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range []mail.Message{aCode, {Kind: mail.KindNone, Reference: "BCDF"}} {
		if err := queue.Enqueue(t.Context(), m); err != nil {
			t.Fatal(err)
		}
	}
	queue.Close()
	if said := out.String(); !strings.Contains(said, "mail: signup, reference BCDF, in ") || strings.Contains(said, "01234567") || strings.Contains(said, "ada") {
		t.Errorf("the terminal says %q", said)
	}
	api := &API{Inbox: Inbox{folder, "/edgeauth/"}}
	for _, row := range []struct {
		method, path, from, site, host string
		want                           int
	}{
		{"GET", "/edgeauth/dev/inbox", "127.0.0.1:1", "", "localhost:8080", http.StatusOK},
		{"GET", "/edgeauth/dev/inbox", "[::1]:1", "same-origin", "localhost:8080", http.StatusOK},
		{"GET", "/edgeauth/dev/inbox", "192.0.2.1:1", "", "localhost:8080", http.StatusForbidden},
		{"GET", "/edgeauth/dev/inbox", "127.0.0.1:1", "cross-site", "localhost:8080", http.StatusForbidden},
		{"GET", "/edgeauth/dev/inbox", "127.0.0.1:1", "same-site", "localhost:8080", http.StatusForbidden},
		{"GET", "/edgeauth/dev/inbox", "127.0.0.1:1", "same-origin", "my-laptop.example.com", http.StatusForbidden}, // a tunnel
		{"POST", "/edgeauth/dev/inbox", "127.0.0.1:1", "", "localhost:8080", http.StatusMethodNotAllowed},
	} {
		r, w := httptest.NewRequest(row.method, row.path, nil), httptest.NewRecorder()
		r.RemoteAddr, r.Host = row.from, row.host
		r.Header.Set("Sec-Fetch-Site", row.site)
		api.Inbox.serve(w, r)
		if w.Code != row.want || !api.Inbox.is(r) {
			t.Errorf("%+v: %d %s", row, w.Code, w.Body)
		}
		if w.Code != http.StatusOK {
			continue
		}
		var got struct {
			Mails []struct{ To, Subject, Text, HTML string }
		}
		if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil || len(got.Mails) != 1 {
			t.Fatalf("%v: %s", err, w.Body)
		}
		m := got.Mails[0]
		if m.To != "ada@example.com" || m.Subject != "Your code to sign up, reference BCDF" || !strings.Contains(m.Text, "\n    01234567\n") ||
			!strings.Contains(m.HTML, "http://localhost:5173/auth#code=01234567&amp;ref=BCDF") {
			t.Errorf("%+v", m)
		}
	}
	if (Inbox{Prefix: "/"}).is(httptest.NewRequest("GET", "/dev/inbox", nil)) {
		t.Error("a server without a folder has an inbox")
	}
}

// TestInboxBehindATunnel checks that no other machine can read the inbox through a tunnel, even if
// the tunnel sets Host to the name of this machine.
func TestInboxBehindATunnel(t *testing.T) {
	for header, want := range map[string]int{
		"X-Forwarded-For: 192.0.2.1":               http.StatusForbidden,
		"X-Forwarded-For: 127.0.0.1, 192.0.2.1":    http.StatusForbidden,
		"X-Forwarded-For: 127.0.0.1":               http.StatusOK, // the server of a front end on this machine
		"X-Forwarded-For: ::1":                     http.StatusOK,
		"X-Forwarded-For: unknown":                 http.StatusForbidden,
		"X-Forwarded-Host: x-8080.tunnels.example": http.StatusForbidden,
		"X-Forwarded-Host: localhost:5173":         http.StatusOK,
		"Forwarded: for=127.0.0.1":                 http.StatusForbidden,
	} {
		name, value, _ := strings.Cut(header, ": ")
		r, w := httptest.NewRequest("GET", "/dev/inbox", nil), httptest.NewRecorder()
		r.RemoteAddr, r.Host = "127.0.0.1:1", "localhost:8080"
		r.Header.Set(name, value)
		(&API{Inbox: Inbox{outbox.Folder(t.TempDir()), "/"}, Now: time.Now}).ServeHTTP(w, r)
		if w.Code != want {
			t.Errorf("%s: %d, want %d", header, w.Code, want)
		}
	}
}

func TestMailFlags(t *testing.T) {
	var out bytes.Buffer
	o := Options{Home: Home(t.TempDir()), Out: &out, Mail: Mail{Sender: "none"}}
	if queue, folder, err := o.mails(t.Context()); queue != nil || folder != "" || err != nil {
		t.Errorf("none: %v, %s, %v", queue, folder, err)
	}
	o.Mail.Sender = "console"
	queue, folder, err := o.mails(t.Context())
	if err != nil || folder != "" {
		t.Fatal(err)
	}
	if err := queue.Enqueue(t.Context(), aCode); err != nil {
		t.Fatal(err)
	}
	queue.Close()
	if !strings.Contains(out.String(), "\n    01234567\n") {
		t.Error(out.String())
	}
	for _, m := range []Mail{{Sender: "pigeon"}, {Sender: "smtp://"}, {Templates: t.TempDir() + "/missing"}} {
		o.Mail = m
		if _, _, err := o.mails(t.Context()); err == nil {
			t.Errorf("%+v: accepted", m)
		}
	}
	for sender, want := range map[string]string{
		"file:/dev/null/mails":          `--mail "file:/dev/null/mails": the folder of mails: mkdir /dev/null: not a directory`,
		"pigeon":                        `--mail "pigeon" is not a sender: it should hold none, ses, smtp://`,
		"smtp://user:hunter2@localhost": `--mail "smtp://user:xxxxx@localhost" holds a password: it should hold the user alone`,
		"smtp:user:hunter2@localhost":   `--mail is not a sender`,
	} {
		o.Mail = Mail{Sender: sender}
		if _, _, err := o.mails(t.Context()); err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "EDGEAUTH_MAIL_SENDER") || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: %v, want %s", sender, err, want)
		}
	}
	if CheckMail(Mail{Link: "javascript:x"}) == nil || CheckMail(Mail{Link: "http://localhost:5173/auth"}) != nil {
		t.Error("--mail-link")
	}
}

func TestMailLink(t *testing.T) {
	upstream, err := NewUpstream("http://127.0.0.1:3000")
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct {
		link, url string
		upstream  *Upstream
		want      string
	}{
		{"", "http://127.0.0.1:8080", nil, "http://127.0.0.1:8080/"},
		{"", "http://127.0.0.1:8080", upstream, "http://127.0.0.1:8080/edgeauth/"},
		{"", "http://192.168.1.5:8080", nil, ""}, // a link must not cross a network in the clear
		{"", "https://192.168.1.5:8080", nil, "https://192.168.1.5:8080/"},
		{"/code.html", "http://127.0.0.1:8080", upstream, "http://127.0.0.1:8080/code.html"},
		{"https://app.example.com/auth", "http://127.0.0.1:8080", nil, "https://app.example.com/auth"},
	} {
		if got := (Options{Mail: Mail{Link: row.link}, Upstream: row.upstream}).mailLink(site{url: row.url}); got != row.want {
			t.Errorf("%+v: got %q", row, got)
		}
	}
}
