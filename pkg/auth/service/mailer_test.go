package service

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/edgeauth/edgeauth/internal/config"
	"github.com/edgeauth/edgeauth/internal/outbox"
	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/mail"
)

func mailVariables(t *testing.T) variables {
	return good(t).with(variables{config.MailSender: "ses", config.MailFrom: "login@example.com", config.Metrics: "edgeauth/test",
		config.Region: "eu-central-1", config.AccessKeyID: "id", config.SecretAccessKey: "secret"})
}

// fakeSES answers as SES does: with the next error, or with success.
type fakeSES struct {
	*httptest.Server
	errors []string
	sent   int
}

func newSES(t *testing.T) *fakeSES {
	s := &fakeSES{}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		if len(s.errors) == 0 {
			s.sent++
			_, _ = fmt.Fprint(w, `{"MessageId":"1"}`)
			return
		}
		w.Header().Set("X-Amzn-Errortype", s.errors[0])
		w.WriteHeader(http.StatusBadRequest)
		_, _ = fmt.Fprint(w, `{"message":"Email address is not verified. The following identities failed the check in region X: ada@b.example"}`)
		s.errors = s.errors[1:]
	}))
	t.Cleanup(s.Close)
	return s
}

// TestMails runs the function and checks what it sends, what Lambda must retry, and the audit
// lines. No line and no error has a code or an address.
func TestMails(t *testing.T) {
	ses := newSES(t)
	var log bytes.Buffer
	v := mailVariables(t).with(variables{config.SESEndpoint: ses.URL, config.MailLink: "https://app.example.com/auth"})
	x, err := startMailer(config.New(v.lookup), Options{Log: &log})
	if err != nil {
		t.Fatal(err)
	}
	event := func(m mail.Message) string {
		text, err := m.Event()
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	reset := event(mail.Message{Kind: mail.KindReset, To: "ada@b.example", Code: auth.NewSecret("01234567"), Reference: "BCDF"})
	of := func(to, kind, detail string) string {
		return `{"source":"aws.ses","detail-type":"x","detail":{"eventType":"` + kind + `",` + detail + `,"mail":{"destination":["` + to + `"]}}}`
	}
	bounce := func(kind, detail string) string { return of("Ada@B.example", kind, detail) }
	throttled := []string{"TooManyRequestsException", "TooManyRequestsException", "TooManyRequestsException"}
	for _, row := range []struct {
		name, event string
		errors      []string
		again       bool
		sent        int
		line        string // event, outcome, reason; a fault is told by !
		metric      string
	}{
		{"no mail", event(mail.Message{Kind: mail.KindNone, Reference: "BCDF"}), nil, false, 0, "", ""},
		{"a code", reset, nil, false, 1, "mail_sent reset", "mails_sent"},
		{"the same again", reset, nil, false, 1, "mail_sent reset", "mails_sent"},
		{"taken", event(mail.Message{Kind: mail.KindTaken, To: "ada@b.example", Reference: "BCDF"}), nil, false, 1, "mail_sent taken", "mails_sent"},
		{"the sandbox", reset, []string{"MessageRejected"}, false, 0, "mail_fail reset sandbox", "mails_failed"},
		{"throttling", reset, throttled, true, 0, "mail_fail reset throttled", "mails_failed"},
		{"a paused account", reset, []string{"SendingPausedException"}, false, 0, "mail_fail reset sender!", "faults"},
		{"no message", `{"v":1}`, nil, true, 0, "mail_fail!", "faults"},
		{"no SMTPUTF8", event(mail.Message{Kind: mail.KindLogin, To: "ädä@b.example", Code: auth.NewSecret("01234567"), Reference: "BCDF"}), nil, false, 0, "mail_fail login address", "mails_failed"},
		{"a full mailbox", bounce("Bounce", `"bounce":{"bounceType":"Transient","bouncedRecipients":[{"emailAddress":"ada@b.example"}]}`), nil, false, 0, "mail_bounced soft_bounce", "mail_bounces"},
		{"a code after it", reset, nil, false, 1, "mail_sent reset", "mails_sent"},
		{"a bounce of a stranger's making", of("eve@b.example", "Bounce", `"bounce":{"bounceType":"Permanent","bouncedRecipients":[{"emailAddress":"ada@b.example"}]}`), nil, false, 0, "mail_bounced bounce", "mail_bounces"},
		{"a code after that", reset, nil, false, 1, "mail_sent reset", "mails_sent"},
		{"a bounce", bounce("Bounce", `"bounce":{"bounceType":"Permanent","bouncedRecipients":[{"emailAddress":"Ada@B.example"}]}`), nil, false, 0, "mail_bounced bounce", "mail_bounces"},
		{"a code after the bounce", reset, nil, false, 0, "mail_held reset suppressed", "mails_held"},
		{"a complaint", of("bob@b.example", "Complaint", `"complaint":{"complainedRecipients":[{"emailAddress":"eve@b.example"}]}`), nil, false, 0, "mail_bounced complaint", "mail_complaints"},
		{"a code after the complaint", event(mail.Message{Kind: mail.KindSignup, To: "bob@b.example", Code: auth.NewSecret("01234567"), Reference: "BCDF"}), nil, false, 0, "mail_held signup suppressed", "mails_held"},
		{"another event of SES", bounce("Delivery", `"delivery":{}`), nil, false, 0, "mail_bounced!", "faults"},
	} {
		log.Reset()
		ses.errors, ses.sent = row.errors, 0
		answer, err := x.Invoke(t.Context(), []byte(row.event))
		if (err != nil) != row.again || len(answer) > 0 || ses.sent != row.sent {
			t.Errorf("%s: %s, %v, %d mails", row.name, answer, err, ses.sent)
		}
		var line struct{ Event, Outcome, Reason, Account, Fault string }
		if log.Len() > 0 {
			if err := json.Unmarshal(log.Bytes(), &line); err != nil {
				t.Fatal(err)
			}
		}
		got := strings.Join(strings.Fields(line.Event+" "+line.Outcome+" "+line.Reason), " ")
		if line.Fault != "" {
			got += "!"
		}
		if got != row.line || !strings.Contains(log.String(), `"`+row.metric+`":1`) && row.metric != "" {
			t.Errorf("%s: %s\n%s", row.name, got, &log)
		}
		if isMail := strings.Contains(strings.ToLower(row.event), "b.example"); isMail != (line.Account != "") && row.metric != "" && row.line != "mail_bounced!" {
			t.Errorf("%s: the account is %q", row.name, line.Account)
		}
		for _, secret := range []string{"01234567", "b.example", "B.example", "ada@", "bob@", "eve@"} {
			if strings.Contains(log.String()+fmt.Sprint(err), secret) {
				t.Errorf("%s: %q is in %s or in %v", row.name, secret, &log, err)
			}
		}
	}
	if text, err := os.ReadFile(strings.TrimPrefix(v[config.Store], "bolt:")); err != nil || bytes.Contains(text, []byte("b.example")) {
		t.Errorf("the table holds an address in the clear, or %v", err)
	}
}

func TestMailerRefuses(t *testing.T) {
	for name, row := range map[string]struct {
		change variables
		want   []string
	}{
		"nothing":             {variables{config.MailSender: "", config.MailFrom: "", config.LoginRing: "", config.KeyVersion: "", config.Store: ""}, []string{config.MailSender, config.MailFrom, config.LoginRing, config.KeyVersion, config.Store}},
		"an unknown sender":   {variables{config.MailSender: "sendmail"}, []string{config.MailSender, "smtp://"}},
		"a password in a URL": {variables{config.MailSender: "smtp://user:hunter2@smtp.example.com"}, []string{config.MailSender, "holds a password", config.SMTPPassword}},
		"a user alone":        {variables{config.MailSender: "smtp://user@smtp.example.com"}, []string{config.SMTPPassword}},
		"a password alone":    {variables{config.MailSender: "smtp://smtp.example.com", config.SMTPPassword: "hunter2"}, []string{config.SMTPPassword}},
		"a from that is none": {variables{config.MailFrom: "Ada <ada@example.com>"}, []string{config.MailFrom, "Ada <ada@example.com>"}},
		"a link by http":      {variables{config.MailLink: "http://app.example.com"}, []string{config.MailLink, "https"}},
		"no folder of texts":  {variables{config.MailTemplates: "missing"}, []string{config.MailTemplates}},
		"a header":            {variables{config.MailReplyTo: "a@example.com\r\nBcc: b@example.com"}, []string{config.MailReplyTo}},
	} {
		_, err := startMailer(config.New(mailVariables(t).with(row.change).lookup), Options{})
		for _, want := range row.want {
			if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "hunter2") {
				t.Errorf("%s: %v, want %s in it", name, err, want)
			}
		}
	}
}

// A program can send its mails itself, with its own texts.
func TestOwnMails(t *testing.T) {
	s, err := start(config.New(good(t).lookup), Options{Log: new(bytes.Buffer)}, common, opening)
	if err != nil {
		t.Fatal(err)
	}
	folder := outbox.Folder(filepath.Join(t.TempDir(), "mail"))
	mails, err := s.Mails(mail.Config{Sender: folder, From: "login@example.com"})
	if err != nil {
		t.Fatal(err)
	}
	queue := mail.NewLocal(mails.Send)
	if err := queue.Enqueue(t.Context(), mail.Message{Kind: mail.KindReset, To: "ada@b.example", Code: auth.NewSecret("01234567"), Reference: "BCDF"}); err != nil {
		t.Fatal(err)
	}
	queue.Close()
	if got, err := folder.Newest(5); err != nil || len(got) != 1 || !strings.Contains(got[0].Text, "01234567") {
		t.Errorf("%+v, %v", got, err)
	}
	opener, err := start(config.New(good(t).lookup), Options{}, common, client, counting)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := opener.Mails(mail.Config{Sender: folder, From: "login@example.com"}); err == nil {
		t.Error("a service without a login ring sends mails")
	}
}
