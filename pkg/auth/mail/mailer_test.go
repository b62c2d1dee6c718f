package mail_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/bolt"
	"github.com/edgeauth/edgeauth/pkg/auth/flow"
	"github.com/edgeauth/edgeauth/pkg/auth/mail"
)

// keep is a sender that keeps what it gets.
type keep struct{ got []mail.Mail }

func (k *keep) Send(_ context.Context, m mail.Mail) error {
	k.got = append(k.got, m)
	return nil
}

const page = "https://app.example.com/auth"

func newMailer(t *testing.T, change func(*mail.Config)) (*mail.Mailer, *keep) {
	t.Helper()
	to := &keep{}
	c := mail.Config{Sender: to, From: "login@example.com", Name: "Example", ReplyTo: "help@example.com", Link: page}
	if change != nil {
		change(&c)
	}
	m, err := mail.NewMailer(c)
	if err != nil {
		t.Fatal(err)
	}
	return m, to
}

func TestSend(t *testing.T) {
	m, to := newMailer(t, nil)
	for _, k := range everyKind {
		to.got = nil
		msg := message(k)
		for range 2 { // a repeated event sends the same code
			if err := m.Send(t.Context(), msg); err != nil {
				t.Fatalf("%s: %v", k, err)
			}
		}
		if k == mail.KindNone {
			if len(to.got) != 0 {
				t.Error("a message of kind none is a mail")
			}
			continue
		}
		if len(to.got) != 2 || to.got[0] != to.got[1] {
			t.Fatalf("%s: %d mails", k, len(to.got))
		}
		got := to.got[0]
		if got.From != "login@example.com" || got.Name != "Example" || got.ReplyTo != "help@example.com" || got.Locale != "en" {
			t.Errorf("%s: %+v", k, got)
		}
		if got.To != "Ada.O'Hara@xn--bcher-kva.example" {
			t.Errorf("%s: to %s", k, got.To)
		}
		if !strings.HasSuffix(got.Subject, ", reference BCDF") {
			t.Errorf("%s: subject %q", k, got.Subject)
		}
		if !strings.Contains(got.Text, ada) || !strings.Contains(got.HTML, "Ada.O&#39;Hara@bücher.example") {
			t.Errorf("%s: the address is missing or not escaped:\n%s", k, got.HTML)
		}
		if k == mail.KindTaken {
			if strings.Contains(got.Text+got.HTML, "#") && strings.Contains(got.Text, "code") || !strings.Contains(got.Text, "\n"+page+"\n") {
				t.Errorf("taken:\n%s", got.Text)
			}
			continue
		}
		if !strings.Contains(got.Text, "\n"+page+"#code=01234567&ref=BCDF\n") || !strings.Contains(got.HTML, `href="`+page+`#code=01234567&amp;ref=BCDF"`) {
			t.Errorf("%s: no link:\n%s\n%s", k, got.Text, got.HTML)
		}
		if !strings.Contains(got.Text, "where you began, beside the reference BCDF") || !strings.Contains(got.HTML, ">01234567</p>") {
			t.Errorf("%s:\n%s\n%s", k, got.Text, got.HTML)
		}
	}
	m, to = newMailer(t, func(c *mail.Config) { c.Link, c.Name = "", "" })
	if err := m.Send(t.Context(), message(mail.KindReset)); err != nil {
		t.Fatal(err)
	}
	if got := to.got[0]; strings.Contains(got.Text+got.HTML, "link") || strings.Contains(got.Text+got.HTML, "href") || got.Name != "example.com" {
		t.Errorf("without a link: %+v", got)
	}
}

// The texts say for how long a code is valid.
func TestMinutes(t *testing.T) {
	m, to := newMailer(t, nil)
	_ = m.Send(t.Context(), message(mail.KindLogin))
	if flow.Lifetime != 10*time.Minute || !strings.Contains(to.got[0].Text, "valid for 10 minutes") {
		t.Error(to.got[0].Text)
	}
}

// Addresses that some servers read as another address get no mail, and neither does a text with a
// line feed, which would begin a header.
func TestAddresses(t *testing.T) {
	m, to := newMailer(t, nil)
	for _, address := range []string{
		"a@b.example\r\nBcc: mal@example.com", "a@b.example\nX: y", "a\r@b.example", "a@b.example,mal@example.com", "a@b.example mal@example.com",
		`"a\" <mal@example.com>"@b.example`, `"a b"@b.example`, "<a@b.example>", "Ada <a@b.example>", "a@b.example\x00", "=?utf-8?q?mal@example.com?=@b.example",
		"a@[192.0.2.1]", "a@b@c.example", "a@-b.example", "@b.example", "a@", "a@b..example", strings.Repeat("a", 65) + "@b.example",
		"a@b.example\u2028Bcc: mal@example.com", "a\u200b@b.example", "a;b@b.example", "a@b.example;mal@example.com", "a(x)@b.example",
	} {
		msg := message(mail.KindLogin)
		msg.To = address
		var failure *mail.Failure
		err := m.Send(t.Context(), msg)
		if !errors.As(err, &failure) || failure.Reason != mail.ReasonAddress || failure.Temporary() || strings.Contains(err.Error(), "example") {
			t.Errorf("%q: %v", address, err)
		}
	}
	if len(to.got) != 0 {
		t.Errorf("sent: %q", to.got)
	}
	for address, want := range map[string]string{
		"A+b@EXAMPLE.com": "A+b@example.com", "ä@ドメイン.example": "ä@xn--eckwd4c7c.example", "o'hara@B\u00fccher.example": "o'hara@xn--bcher-kva.example",
		`<script>@b.example`: "", "{{.Code}}@b.example": "{{.Code}}@b.example",
	} {
		msg := message(mail.KindLogin)
		msg.To, to.got = address, nil
		err := m.Send(t.Context(), msg)
		if (err == nil) != (want != "") || err == nil && to.got[0].To != want {
			t.Errorf("%s: %v, %v", address, to.got, err)
		}
		if err == nil && !strings.Contains(to.got[0].Text, address) {
			t.Errorf("%s:\n%s", address, to.got[0].Text)
		}
	}
}

func TestLocales(t *testing.T) {
	templates, err := mail.LoadTemplates(fstest.MapFS{
		"README.md":       {Data: []byte("not a language")},
		"de/login.txt":    {Data: []byte("Subject: Ihr Code für {{.Name}}\r\n\r\nIhr Code ist {{.Code}}.\r\nKennung: {{.Reference}}\r\n")},
		"pt-br/login.txt": {Data: []byte("Subject: Código\n\n{{.Code}} {{.Reference}}")},
		"en/login.html":   {Data: []byte(`{{template "top" .}}own {{.Code}} {{.Reference}}`)},
	})
	if err != nil {
		t.Fatal(err)
	}
	m, to := newMailer(t, func(c *mail.Config) { c.Templates = templates })
	for asked, want := range map[string]string{
		"": "en", "de": "de", "de-AT": "de", "DE_at": "de", "de-Latn-AT-x-y": "de", "fr": "en", "pt": "en", "pt-BR": "pt-br",
		"fr-FR, de;q=0.5": "de", "*": "en", "../de": "en", "de/../en": "en", "de\r\nX: y": "en", "-": "en", "--": "en", "de-": "de",
		"x-x-x-x, , ;q=1,pt-br": "pt-br", strings.Repeat("-", 3000): "en", strings.Repeat("a,", 3000): "en",
	} {
		msg := message(mail.KindLogin)
		msg.Locale, to.got = asked, nil
		text, err := msg.Event()
		if err != nil {
			t.Errorf("%.20q: %v", asked, err)
			continue
		}
		if msg, err = mail.ParseEvent(text); err != nil {
			t.Fatal(err)
		}
		if err := m.Send(t.Context(), msg); err != nil || to.got[0].Locale != want {
			t.Errorf("%.20q: %v, %v, want %s", asked, to.got, err, want)
		}
	}
	msg := message(mail.KindLogin)
	msg.Locale, to.got = "de", nil
	if err := m.Send(t.Context(), msg); err != nil {
		t.Fatal(err)
	}
	got := to.got[0]
	if got.Subject != "Ihr Code für Example" || got.Text != "Ihr Code ist 01234567.\nKennung: BCDF\n" || !strings.Contains(got.HTML, "own 01234567") {
		t.Errorf("%+v", got)
	}
}

func TestTemplatesRefused(t *testing.T) {
	good := "Subject: x\n\n{{.Code}} {{.Reference}}"
	for name, row := range map[string]struct{ file, text, want string }{
		"no subject":              {"en/login.txt", "{{.Code}}", "en/login.txt must begin"},
		"no empty line":           {"en/login.txt", "Subject: x\n{{.Code}}", "en/login.txt must begin"},
		"an empty subject":        {"en/login.txt", "Subject:  \n\n{{.Code}}", "en/login.txt must begin"},
		"two lines":               {"en/login.txt", "Subject: x\nBcc: mal@example.com\n\n{{.Code}} {{.Reference}}", "en/login.txt must begin"},
		"a long subject":          {"en/login.txt", "Subject: " + strings.Repeat("x", 201) + "\n\n{{.Code}} {{.Reference}}", "en/login.txt must begin"},
		"the code in the subject": {"en/login.txt", "Subject: {{.Code}}\n\n{{.Code}} {{.Reference}}", "the code in the subject"},
		"the address there":       {"en/login.txt", "Subject: {{.To}}\n\n{{.Code}} {{.Reference}}", "the address in the subject"},
		"no code":                 {"de/reset.txt", "Subject: x\n\n{{.Reference}}", "the template de/reset.txt does not show the code"},
		"no code in the page":     {"de/reset.html", "<p>{{.Reference}}</p>", "the template de/reset.html does not show the code"},
		"no part of the layout":   {"de/layout.html", `{{define "top"}}{{end}}{{define "bottom"}}{{end}}`, "top, code and bottom"},
		"no reference":            {"de/reset.txt", "Subject: x\n\n{{.Code}}", "the template de/reset.txt does not show the reference"},
		"a name that no mail has": {"de/sign-up.txt", "Subject: x\n\n{{.Code}} {{.Reference}}", `unknown template "de/sign-up.txt" (want layout.html, login.html, login.txt, `},
		"an unknown field":        {"en/signup.txt", good + "{{.Password}}", "en/signup.txt cannot be rendered"},
		"an error":                {"en/signup.html", "{{.Code", "en/signup.html"},
		"an unknown layout":       {"en/signup.html", `{{template "side" .}}`, "en/signup.html cannot be rendered"},
		"a broken layout":         {"de/layout.html", "{{", "de/layout.html"},
		"no language":             {"DE/signup.txt", good, `"DE"`},
		"a folder":                {"en/signup.txt/x", good, "en/signup.txt"},
	} {
		_, err := mail.LoadTemplates(fstest.MapFS{row.file: {Data: []byte(row.text)}})
		if err == nil || !strings.Contains(err.Error(), row.want) {
			t.Errorf("%s: %v, want %q", name, err, row.want)
		}
	}
}

func TestConfigRefused(t *testing.T) {
	for name, row := range map[string]struct {
		change func(*mail.Config)
		want   string
	}{
		"no sender":            {func(c *mail.Config) { c.Sender = nil }, "Config.Sender"},
		"no from":              {func(c *mail.Config) { c.From = "" }, "Config.From"},
		"a from with a name":   {func(c *mail.Config) { c.From = "Ada <ada@example.com>" }, "Config.From"},
		"a from not in ASCII":  {func(c *mail.Config) { c.From = "login@bücher.example" }, "A-labels"},
		"a header in from":     {func(c *mail.Config) { c.From = "a@example.com\r\nBcc: b@example.com" }, "Config.From"},
		"a header in reply-to": {func(c *mail.Config) { c.ReplyTo = "a@example.com\nBcc: b@example.com" }, "Config.ReplyTo"},
		"a header in the name": {func(c *mail.Config) { c.Name = "Ada\r\nBcc: b@example.com" }, "Config.Name"},
		"a long name":          {func(c *mail.Config) { c.Name = strings.Repeat("x", 101) }, "Config.Name"},
		"http":                 {func(c *mail.Config) { c.Link = "http://app.example.com/" }, "Config.Link"},
		"a script":             {func(c *mail.Config) { c.Link = "javascript:alert(1)" }, "Config.Link"},
		"a query":              {func(c *mail.Config) { c.Link = page + "?a" }, "Config.Link"},
		"a fragment":           {func(c *mail.Config) { c.Link = page + "#" }, "Config.Link"},
		"a user":               {func(c *mail.Config) { c.Link = "https://a@app.example.com" }, "Config.Link"},
		"a space":              {func(c *mail.Config) { c.Link = page + " x" }, "Config.Link"},
	} {
		c := mail.Config{Sender: &keep{}, From: "login@example.com"}
		row.change(&c)
		if _, err := mail.NewMailer(c); err == nil || !strings.Contains(err.Error(), row.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, link := range []string{page, "http://localhost:8080/", "http://127.0.0.1:1/x", "https://app.example.com"} {
		if err := mail.CheckLink(link); err != nil {
			t.Errorf("%s: %v", link, err)
		}
	}
}

type keys struct{ secret string }

func (k keys) SealingKey(context.Context) (auth.LoginKey, error) {
	if k.secret == "" {
		return auth.LoginKey{}, auth.ErrUnavailable
	}
	return auth.LoginKey{ID: 1, Secret: auth.NewSecret(k.secret)}, nil
}

func TestSuppressions(t *testing.T) {
	path := t.TempDir() + "/store"
	db, err := bolt.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	now := time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)
	s := &mail.Suppressions{Counters: db.Counters(), Keys: keys{strings.Repeat("k", 32)}, Now: func() time.Time { return now }}
	m, to := newMailer(t, func(c *mail.Config) { c.Suppress = s })
	reason := func() mail.Reason {
		var failure *mail.Failure
		if err := m.Send(t.Context(), message(mail.KindReset)); errors.As(err, &failure) {
			return failure.Reason
		} else if err != nil {
			t.Fatal(err)
		}
		return ""
	}
	if got := reason(); got != "" {
		t.Errorf("before: %s", got)
	}
	for range 2 { // events may come twice
		if err := s.Suppress(t.Context(), "ada.o'hara@xn--bcher-kva.example"); err != nil { // another spelling of the address
			t.Fatal(err)
		}
	}
	if got := reason(); got != mail.ReasonSuppressed {
		t.Errorf("after: %q", got)
	}
	for _, want := range []bool{true, false} { // an operator ends it, and the next bounce begins it anew
		if was, err := s.Lift(t.Context(), "ADA.O'HARA@xn--bcher-kva.example"); was != want || err != nil {
			t.Errorf("lifted: %t, %v", was, err)
		}
	}
	if got := reason(); got != "" {
		t.Errorf("after it was lifted: %q", got)
	}
	if err := s.Suppress(t.Context(), "ada.o'hara@xn--bcher-kva.example"); err != nil {
		t.Fatal(err)
	}
	now = now.Add(30*24*time.Hour - time.Second)
	if got := reason(); got != mail.ReasonSuppressed {
		t.Errorf("before the end: %q", got)
	}
	now = now.Add(2 * time.Second)
	if got := reason(); got != "" {
		t.Errorf("after the end: %q", got)
	}
	if err := s.Suppress(t.Context(), "no address"); err == nil {
		t.Error("suppressed a text")
	}
	s.Keys = keys{}
	if err := m.Send(t.Context(), message(mail.KindReset)); !errors.Is(err, auth.ErrUnavailable) || len(to.got) != 3 {
		t.Errorf("without keys: %v, %d mails", err, len(to.got))
	}
	if err := m.Send(t.Context(), message(mail.KindNone)); err != nil {
		t.Errorf("a message of kind none waits for the store: %v", err)
	}
}

// No way of printing a message shows the code.
func TestSecret(t *testing.T) {
	m := message(mail.KindReset)
	encoded, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	if text := fmt.Sprintf("%v %+v %#v %s", m, m, m, m) + string(encoded); strings.Contains(text, "01234567") {
		t.Error(text)
	}
}
