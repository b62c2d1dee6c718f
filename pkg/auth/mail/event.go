package mail

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/edgeauth/edgeauth/internal/strictjson"
	"github.com/edgeauth/edgeauth/pkg/auth"
)

// eventVersion is the version of the JSON form of a message.
const eventVersion = 1

// event is a message as JSON. It has every member in every case.
type event struct {
	Version   int    `json:"v"`
	Kind      Kind   `json:"kind"`
	To        string `json:"to"`
	Code      string `json:"code"`
	Reference string `json:"reference"`
	Locale    string `json:"locale"`
}

// Event returns m as JSON, for the function that sends. The JSON contains the code, so it must not
// be logged or stored. The error says why m is not a valid message.
func (m Message) Event() ([]byte, error) {
	if err := m.check(); err != nil {
		return nil, err
	}
	return json.Marshal(event{eventVersion, m.Kind, m.To, m.Code.Reveal(), m.Reference, usableLocale(m.Locale)})
}

// ParseEvent returns the message that [Message.Event] wrote. It refuses unknown and missing members
// and other versions. The error contains no part of the event, because an event contains a code.
func ParseEvent(data []byte) (Message, error) {
	var m Message
	var version int64
	read := make(map[string]bool, 6)
	r := strictjson.Read(string(data))
	for r.Next() {
		read[r.Name()] = true
		switch r.Name() {
		case "v":
			version = r.Integer()
		case "kind":
			m.Kind = Kind(r.Text())
		case "to":
			m.To = r.Text()
		case "code":
			m.Code = auth.NewSecret(r.Text())
		case "reference":
			m.Reference = r.Text()
		case "locale":
			m.Locale = r.Text()
		default:
			return Message{}, errors.New("mail: the event has an unknown member (want v, kind, to, code, reference, locale)")
		}
	}
	if err := r.Err(); err != nil {
		return Message{}, fmt.Errorf("mail: the event: %w", err)
	}
	if version != eventVersion {
		return Message{}, fmt.Errorf("mail: the event has version %d (want %d)", version, eventVersion)
	}
	for _, name := range []string{"kind", "to", "code", "reference", "locale"} {
		if !read[name] {
			return Message{}, fmt.Errorf("mail: the event has no member %q", name)
		}
	}
	return m, m.check()
}

// maxLocaleBytes bounds a list of language tags. RFC 5646, section 4.4.1, requires support for at
// least 35 characters for each tag.
const maxLocaleBytes = 200

// usableLocale returns the beginning of a text that may come from a client: a header that is too
// long must not make a request fail.
func usableLocale(text string) string {
	if len(text) > maxLocaleBytes {
		text = text[:maxLocaleBytes]
	}
	if isASCII(text) && oneLine(text) {
		return text
	}
	return ""
}

// check returns an error if m is not a valid message of its kind. The error contains no part of m
// except the kind.
func (m Message) check() error {
	hasCode, known := kinds[m.Kind]
	code := m.Code.Reveal()
	switch {
	case !known:
		return fmt.Errorf("mail: kind %.20q is unknown (want none, signup, login, reset or taken)", m.Kind)
	case (m.To == "") != (m.Kind == KindNone):
		return fmt.Errorf("mail: a message of kind %s has the wrong address (want none for kind none, and one for every other kind)", m.Kind)
	case hasCode && (len(code) != 8 || strings.Trim(code, "0123456789") != ""):
		return fmt.Errorf("mail: the code of a message of kind %s is not 8 digits", m.Kind)
	case !hasCode && code != "":
		return fmt.Errorf("mail: a message of kind %s has no code", m.Kind)
	case len(m.Reference) != 4 || strings.Trim(m.Reference, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != "":
		return errors.New("mail: the reference of a message is not four letters")
	}
	return nil
}
