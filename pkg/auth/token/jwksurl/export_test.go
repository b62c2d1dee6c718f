package jwksurl

import "time"

// SetTimeout replaces the time that a request may take, and returns what it was.
func (s *Source) SetTimeout(d time.Duration) (was time.Duration) {
	was, s.client.Timeout = s.client.Timeout, d
	return was
}
