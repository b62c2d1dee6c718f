package mail_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/mail"
)

const ada = "Ada.O'Hara@b\u00fccher.example"

func message(k mail.Kind) mail.Message {
	m := mail.Message{Kind: k, To: ada, Reference: "BCDF", Locale: "pt-BR"}
	switch k {
	case mail.KindNone:
		m.To = ""
	case mail.KindTaken:
	default:
		m.Code = auth.NewSecret("01234567")
	}
	return m
}

var everyKind = []mail.Kind{mail.KindNone, mail.KindSignup, mail.KindLogin, mail.KindReset, mail.KindTaken}

func TestEvent(t *testing.T) {
	for _, k := range everyKind {
		m := message(k)
		text, err := m.Event()
		if err != nil {
			t.Fatal(err)
		}
		got, err := mail.ParseEvent(text)
		if err != nil {
			t.Fatalf("%s: %v", k, err)
		}
		if got.Kind != m.Kind || got.To != m.To || !got.Code.Equal(m.Code) || got.Reference != m.Reference || got.Locale != m.Locale {
			t.Errorf("%s: got %+v", text, got)
		}
	}
	text, _ := message(mail.KindReset).Event()
	const want = `{"v":1,"kind":"reset","to":"Ada.O'Hara@bücher.example","code":"01234567","reference":"BCDF","locale":"pt-BR"}`
	if string(text) != want {
		t.Errorf("got  %s\nwant %s", text, want)
	}
}

func TestEventRefused(t *testing.T) {
	const good = `{"v":1,"kind":"reset","to":"ada@example.com","code":"01234567","reference":"BCDF","locale":""}`
	if _, err := mail.ParseEvent([]byte(good)); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string][2]string{
		"another version":     {`"v":1`, `"v":2`},
		"no version":          {`"v":1,`, ``},
		"an unknown kind":     {`"reset"`, `"Reset"`},
		"no kind":             {`"kind":"reset",`, ``},
		"no address":          {`"ada@example.com"`, `""`},
		"no member locale":    {`,"locale":""`, ``},
		"an unknown member":   {`"locale"`, `"cc":"mal@example.com","locale"`},
		"a member twice":      {`"locale"`, `"to":"mal@example.com","locale"`},
		"a short code":        {`"01234567"`, `"0123456"`},
		"a code of letters":   {`"01234567"`, `"0123456a"`},
		"no code":             {`"01234567"`, `""`},
		"a code of no kind":   {`"reset"`, `"taken"`},
		"an address for none": {`"reset","to":"ada@example.com","code":"01234567"`, `"none","to":"ada@example.com","code":""`},
		"a long reference":    {`"BCDF"`, `"BCDFG"`},
		"a low reference":     {`"BCDF"`, `"bcdf"`},
		"another type":        {`"BCDF"`, `null`},
		"text behind it":      {`""}`, `""}{}`},
	} {
		text := strings.Replace(good, change[0], change[1], 1)
		if text == good {
			t.Fatal(name)
		}
		_, err := mail.ParseEvent([]byte(text))
		if err == nil {
			t.Errorf("%s: accepted", name)
			continue
		}
		for _, secret := range []string{"0123456", "ada", "mal@"} {
			if strings.Contains(err.Error(), secret) {
				t.Errorf("%s: the error holds %q: %v", name, secret, err)
			}
		}
	}
	m := message(mail.KindLogin)
	m.Code = auth.Secret{}
	if _, err := m.Event(); err == nil {
		t.Error("a message without its code has an event")
	}
}

func TestLocal(t *testing.T) {
	var got []mail.Kind
	running, blocked := make(chan bool, 1000), make(chan bool)
	q := mail.NewLocal(func(_ context.Context, m mail.Message) {
		running <- true
		<-blocked
		got = append(got, m.Kind)
	})
	enqueue := func(k mail.Kind) error { return q.Enqueue(t.Context(), message(k)) }
	if err := enqueue(mail.KindReset); err != nil {
		t.Fatal(err)
	}
	<-running // the sender is busy, and no call waits for it
	for range 256 {
		if err := enqueue(mail.KindNone); err != nil {
			t.Fatal(err)
		}
	}
	if err := enqueue(mail.KindNone); !errors.Is(err, auth.ErrUnavailable) {
		t.Errorf("a full queue: %v", err)
	}
	close(blocked)
	q.Close()
	if len(got) != 257 || got[0] != mail.KindReset {
		t.Errorf("%d messages were sent", len(got))
	}
	if err := mail.NewLocal(nil).Enqueue(t.Context(), mail.Message{}); err == nil || errors.Is(err, auth.ErrUnavailable) {
		t.Errorf("no message: %v", err)
	}
}
