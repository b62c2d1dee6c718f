package ses_test

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/edgeauth/edgeauth/internal/awsclient"
	"github.com/edgeauth/edgeauth/internal/ses"
	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/mail"
)

var sample = mail.Mail{
	From: "login@example.com", Name: "Exämple", ReplyTo: "help@example.com", To: "ada@b.example", Locale: "en",
	Subject: "Your code, reference BCDF", Text: "01234567\n", HTML: "<p>01234567</p>",
}

// answer is the answer of the stand-in for SES to one request.
type answer struct {
	status     int // 0 loses the reply
	code, text string
}

// TestSend runs the real client against answers in the form of SES's answers.
func TestSend(t *testing.T) {
	var mu sync.Mutex // of answers and bodies
	var answers []answer
	var bodies []string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		mu.Lock()
		defer mu.Unlock()
		bodies = append(bodies, string(body))
		if r.URL.Path != "/v2/email/outbound-emails" {
			t.Errorf("%s", r.URL.Path)
		}
		a := answer{status: http.StatusOK}
		if len(answers) > 0 {
			a, answers = answers[0], answers[1:]
		}
		if a.status == 0 {
			panic(http.ErrAbortHandler)
		}
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("X-Amzn-Errortype", a.code)
		w.WriteHeader(a.status)
		_ = json.NewEncoder(w).Encode(map[string]string{"message": a.text, "MessageId": "1"})
	}))
	defer server.Close()
	sender := ses.New(awsclient.Config{
		Region: "eu-central-1", Endpoint: server.URL,
		Credentials: awsclient.Credentials{AccessKeyID: "id", SecretAccessKey: auth.NewSecret("secret")},
	}, "edgeauth")
	const unverified = "Email address is not verified. The following identities failed the check in region EU-CENTRAL-1: "
	refused := func(status int, code, text string) []answer { return []answer{{status, code, text}} }
	for _, row := range []struct {
		name     string
		to       string
		answers  []answer
		requests int
		want     mail.Failure
	}{
		{"delivery", "", nil, 1, mail.Failure{}},
		{"a lost reply", "", []answer{{}}, 2, mail.Failure{}},
		{"a lost reply three times", "", []answer{{}, {}, {}}, 3, mail.Failure{Reason: mail.ReasonUnreachable}},
		{"throttled once", "", refused(429, "TooManyRequestsException", "Maximum sending rate exceeded."), 2, mail.Failure{}},
		{"throttled", "", []answer{{429, "TooManyRequestsException", "x"}, {429, "TooManyRequestsException", "x"}, {429, "TooManyRequestsException", "x"}}, 3,
			mail.Failure{Reason: mail.ReasonThrottled, Detail: "TooManyRequestsException"}},
		{"the quota of the day", "", slices.Repeat(refused(400, "LimitExceededException", "Daily message quota exceeded."), 3), 3,
			mail.Failure{Reason: mail.ReasonThrottled, Detail: "LimitExceededException"}},
		{"the sandbox", "", refused(400, "MessageRejected", unverified+"ada@b.example"), 1,
			mail.Failure{Reason: mail.ReasonSandbox, Detail: "MessageRejected"}},
		{"the sandbox, a verified receiver", "", refused(403, "AccessDeniedException",
			"User `arn:aws:sts::1:assumed-role/x' is not authorized to perform `ses:SendEmail' on resource `arn:aws:ses:eu-central-1:1:identity/Ada@b.example'"), 1,
			mail.Failure{Reason: mail.ReasonSandbox, Detail: "AccessDeniedException"}},
		{"an unverified sender", "", refused(400, "MessageRejected", unverified+"login@example.com"), 1,
			mail.Failure{Reason: mail.ReasonSender, Detail: "MessageRejected"}},
		{"no permission", "", refused(403, "AccessDeniedException", "not authorized to perform `ses:SendEmail' on resource `arn:aws:ses:eu-central-1:1:identity/example.com'"), 1,
			mail.Failure{Reason: mail.ReasonSender, Detail: "AccessDeniedException"}},
		{"a paused account", "", refused(400, "SendingPausedException", "x"), 1, mail.Failure{Reason: mail.ReasonSender, Detail: "SendingPausedException"}},
		{"a suspended account", "", refused(400, "AccountSuspendedException", "x"), 1, mail.Failure{Reason: mail.ReasonSender, Detail: "AccountSuspendedException"}},
		{"a domain without MX", "", refused(400, "MailFromDomainNotVerifiedException", "x"), 1,
			mail.Failure{Reason: mail.ReasonSender, Detail: "MailFromDomainNotVerifiedException"}},
		{"no configuration set", "", refused(404, "NotFoundException", "x"), 1, mail.Failure{Reason: mail.ReasonSender, Detail: "NotFoundException"}},
		{"a virus", "", refused(400, "MessageRejected", "The message contains a virus."), 1, mail.Failure{Reason: mail.ReasonContent, Detail: "MessageRejected"}},
		{"an address", "", refused(400, "BadRequestException", "Domain contains illegal character"), 1,
			mail.Failure{Reason: mail.ReasonAddress, Detail: "BadRequestException"}},
		{"an outage", "", []answer{{500, "InternalServiceErrorException", "x"}, {500, "InternalServiceErrorException", "x"}, {500, "InternalServiceErrorException", "x"}}, 3,
			mail.Failure{Reason: mail.ReasonUnreachable, Detail: "InternalServiceErrorException"}},
		{"no SMTPUTF8", "ädä@xn--bcher-kva.example", nil, 0, mail.Failure{Reason: mail.ReasonAddress, Detail: "SES has no SMTPUTF8"}},
	} {
		mu.Lock()
		answers, bodies = row.answers, nil
		mu.Unlock()
		m := sample
		if row.to != "" {
			m.To = row.to
		}
		err := sender.Send(t.Context(), m)
		var failure *mail.Failure
		got := mail.Failure{}
		mu.Lock()
		bodies := bodies
		mu.Unlock()
		if errors.As(err, &failure) {
			got = *failure
		} else if err != nil {
			t.Fatalf("%s: %v", row.name, err)
		}
		if got != row.want || len(bodies) != row.requests {
			t.Errorf("%s: got %v after %d requests, want %v", row.name, err, len(bodies), &row.want)
		}
		if err != nil && (strings.Contains(err.Error(), "example") || strings.Contains(err.Error(), "01234567")) {
			t.Errorf("%s: %v", row.name, err)
		}
		for _, b := range bodies {
			if b != bodies[0] {
				t.Errorf("%s: a retry has another body", row.name)
			}
		}
		if row.name != "delivery" {
			continue
		}
		const want = `{"ConfigurationSetName":"edgeauth","Content":{"Simple":{"Body":{"Html":{"Charset":"UTF-8","Data":"<p>01234567</p>"},` +
			`"Text":{"Charset":"UTF-8","Data":"01234567\n"}},"Headers":[{"Name":"Auto-Submitted","Value":"auto-generated"}],` +
			`"Subject":{"Charset":"UTF-8","Data":"Your code, reference BCDF"}}},"Destination":{"ToAddresses":["ada@b.example"]},` +
			`"FromEmailAddress":"=?utf-8?q?Ex=C3=A4mple?= <login@example.com>","ReplyToAddresses":["help@example.com"]}`
		if bodies[0] != want {
			t.Errorf("got  %s\nwant %s", bodies[0], want)
		}
	}
}

func TestParseEvent(t *testing.T) {
	event := func(kind, detail string) string {
		return `{"version":"0","id":"1","detail-type":"` + kind + `","source":"aws.ses","account":"123456789012","region":"eu-central-1","resources":[],` +
			`"detail":{` + detail + `,"mail":{"messageId":"1","destination":["ada@b.example"],"commonHeaders":{"subject":"Your code, reference BCDF"}}}}`
	}
	bounce := func(kind string) string {
		return event("Email Bounced", `"eventType":"Bounce","bounce":{"bounceType":"`+kind+`","bounceSubType":"General","bouncedRecipients":[{"emailAddress":"ada@b.example","action":"failed","status":"5.1.1"}],"feedbackId":"x"}`)
	}
	complaint := func(kind string) string {
		return event("Email Complaint Received", `"eventType":"Complaint","complaint":{"complainedRecipients":[{"emailAddress":"ada@b.example"}],"complaintFeedbackType":`+kind+`}`)
	}
	for name, row := range map[string]struct {
		event                string
		complaint, permanent bool
	}{
		"a permanent bounce": {bounce("Permanent"), false, true},
		// The receiver of a mail sends a forged report to the return path of the mail.
		"a bounce that names a stranger": {strings.Replace(bounce("Permanent"), `"emailAddress":"ada@b.example"`, `"emailAddress":"victim@c.example"`, 1), false, true},
		"a complaint that names one":     {strings.Replace(complaint(`"abuse"`), `"emailAddress":"ada@b.example"`, `"emailAddress":"victim@c.example"`, 1), true, true},
		"a transient bounce":             {bounce("Transient"), false, false},
		"an undetermined bounce":         {bounce("Undetermined"), false, false},
		"a complaint":                    {complaint(`"abuse"`), true, true},
		"a complaint without":            {complaint(`null`), true, true},
		"a complaint taken back":         {complaint(`"not-spam"`), true, false},
	} {
		f, err := ses.ParseEvent([]byte(row.event))
		if err != nil || f.Complaint != row.complaint || f.Permanent != row.permanent || len(f.Recipients) != 1 || f.Recipients[0] != "ada@b.example" {
			t.Errorf("%s: %+v, %v", name, f, err)
		}
		if !ses.IsEvent([]byte(row.event)) {
			t.Errorf("%s: is no event", name)
		}
	}
	for _, bad := range []string{"", "{}", `{"source":"mine","detail":{"eventType":"Bounce"}}`, event("Email Sent", `"eventType":"Send"`), `[1]`,
		`{"source":"aws.ses","detail":{"eventType":"Bounce","bounce":{"bounceType":"Permanent","bouncedRecipients":[{"emailAddress":"ada@b.example"}]}}}`} {
		if _, err := ses.ParseEvent([]byte(bad)); err == nil {
			t.Errorf("%s: accepted", bad)
		}
	}
	message, err := mail.Message{Kind: mail.KindNone, Reference: "BCDF"}.Event()
	if err != nil || ses.IsEvent(message) {
		t.Errorf("a message is an event of EventBridge: %v", err)
	}
}
