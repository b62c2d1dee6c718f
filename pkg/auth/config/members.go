package config

import (
	"errors"
	"fmt"
	"time"

	"github.com/edgeauth/edgeauth/pkg/auth/strictjson"
)

// ReadMembers calls read with each member of the JSON object in text. Its error names the member that it is about.
func ReadMembers(text string, read func(name, raw string) error) error {
	members, err := strictjson.Members(text)
	if err != nil {
		return err
	}
	for _, m := range members {
		if err := read(m.Name, m.Raw); err != nil {
			return fmt.Errorf("%q: %w", m.Name, err)
		}
	}
	return nil
}

// ReadDuration returns the duration in a JSON string, which is above zero.
func ReadDuration(raw string) (time.Duration, error) {
	text, err := strictjson.String(raw)
	if err != nil {
		return 0, err
	}
	d, err := time.ParseDuration(text)
	if err != nil || d <= 0 {
		return 0, errors.New("it is a duration above 0, as in 15m")
	}
	return d, nil
}
