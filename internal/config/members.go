package config

import (
	"errors"
	"time"

	"github.com/edgeauth/edgeauth/internal/strictjson"
)

// ReadMembers calls read for each member of the JSON object in text. Its error names the member.
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

// ReadString returns the value of a JSON string.
func ReadString(raw string) (string, error) { return strictjson.String(raw) }

// ReadDuration returns the duration in a JSON string. It must be positive.
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

// ReadSwitch returns the value of a JSON boolean.
func ReadSwitch(raw string) (bool, error) {
	if raw != "true" && raw != "false" {
		return false, errors.New("want true or false")
	}
	return raw == "true", nil
}

// ErrEmpty refuses an empty list, which is usually a mistake.
var ErrEmpty = errors.New("the list is empty; omit the member instead")

// ReadWords returns the strings of a JSON array, which must not be empty.
func ReadWords(raw string) ([]string, error) {
	list, err := strictjson.Strings(raw)
	if err == nil && len(list) == 0 {
		err = ErrEmpty
	}
	return list, err
}
