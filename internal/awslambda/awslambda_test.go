package awslambda_test

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/edgeauth/edgeauth/internal/awsclient"
	"github.com/edgeauth/edgeauth/internal/awslambda"
	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/mail"
)

const function = "arn:aws:lambda:eu-central-1:123456789012:function:mailer:live"

// TestEnqueue runs the real client against a server that answers as Lambda does.
func TestEnqueue(t *testing.T) {
	var answers []int // of the next requests; 0 loses the reply
	var events []string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if r.Header.Get("X-Amz-Invocation-Type") != "Event" || !strings.HasSuffix(r.URL.Path, "/functions/"+function+"/invocations") {
			t.Errorf("%s %s", r.URL.Path, r.Header)
		}
		events = append(events, string(body))
		answer := http.StatusAccepted
		if len(answers) > 0 {
			answer, answers = answers[0], answers[1:]
		}
		switch answer {
		case 0:
			panic(http.ErrAbortHandler)
		case http.StatusForbidden:
			w.Header().Set("X-Amzn-Errortype", "AccessDeniedException")
		}
		w.WriteHeader(answer)
	}))
	defer server.Close()
	queue := awslambda.NewQueue(awsclient.Config{
		Region: "eu-central-1", Endpoint: server.URL,
		Credentials: awsclient.Credentials{AccessKeyID: "id", SecretAccessKey: auth.NewSecret("secret")},
	}, function)
	code := mail.Message{Kind: mail.KindReset, To: "ada@example.com", Code: auth.NewSecret("01234567"), Reference: "BCDF"}
	none := mail.Message{Kind: mail.KindNone, Reference: "BCDF"}
	for _, row := range []struct {
		name     string
		m        mail.Message
		answers  []int
		requests int
		want     string // in the error; empty for success
	}{
		{"a code", code, nil, 1, ""},
		{"no mail", none, nil, 1, ""},
		{"a lost reply", code, []int{0}, 2, ""},
		{"too many calls", code, []int{429, 429}, 3, ""},
		{"an outage", code, []int{503, 503, 503}, 3, "unavailable"},
		{"no permission", code, []int{403}, 1, "lambda:InvokeFunction"},
		{"no function", code, []int{404}, 1, "unavailable"},
		{"no message", mail.Message{}, nil, 0, "kind"},
	} {
		answers, events = row.answers, nil
		err := queue.Enqueue(t.Context(), row.m)
		if (err == nil) != (row.want == "") || err != nil && !strings.Contains(err.Error(), row.want) || len(events) != row.requests {
			t.Errorf("%s: %v after %d requests", row.name, err, len(events))
		}
		if err != nil && row.requests > 0 && !errors.Is(err, auth.ErrUnavailable) {
			t.Errorf("%s: %v is not unavailable", row.name, err)
		}
		if err != nil && (strings.Contains(err.Error(), "01234567") || strings.Contains(err.Error(), "ada")) {
			t.Errorf("%s: the error holds the message: %v", row.name, err)
		}
		for _, e := range events {
			if m, err := mail.ParseEvent([]byte(e)); err != nil || m.Kind != row.m.Kind || !m.Code.Equal(row.m.Code) {
				t.Errorf("%s: event %s: %v", row.name, e, err)
			}
		}
	}
}
