package config

import (
	"errors"
	"time"

	"github.com/edgeauth/edgeauth/internal/strictjson"
)

// ReadMembers calls read with each member of the JSON object in text. Its error names the member that it is about.
func ReadMembers(text string, read func(name, raw string) error) error {
	members, err := strictjson.Members(text)
	if err != nil {
		return err
	}
	for _, m := range members {
		if err := read(m.Name, m.Raw); err != nil {
			return AtName(m.Name, err)
		}
	}
	return nil
}

// ReadString returns the text of a JSON string.
func ReadString(raw string) (string, error) { return strictjson.String(raw) }

// ReadDuration returns the duration in a JSON string, which is above zero.
func ReadDuration(raw string) (time.Duration, error) {
	text, err := strictjson.String(raw)
	if err != nil {
		return 0, err
	}
	d, err := time.ParseDuration(text)
	if err != nil || d <= 0 {
		return 0, errors.New("want a duration above 0, for example 15m")
	}
	return d, nil
}

// ErrEmpty refuses a list that says nothing: it is more often a mistake than a wish.
var ErrEmpty = errors.New("the list is empty; leave it out to ask for nothing")

// ReadWords returns the strings of a JSON array, of which there must be one.
func ReadWords(raw string) ([]string, error) {
	list, err := strictjson.Strings(raw)
	if err == nil && len(list) == 0 {
		err = ErrEmpty
	}
	return list, err
}
