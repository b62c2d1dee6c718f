package jwksurl

import "time"

// SetTimeout sets the timeout of a request and returns the previous one.
func (s *Source) SetTimeout(d time.Duration) (was time.Duration) {
	was, s.client.Timeout = s.client.Timeout, d
	return was
}

// The durations of a Source.
const (
	FirstRetryAfter = firstRetryAfter
	FreshFor        = freshFor
	RetryAfter      = retryAfter
	StaleFor        = staleFor
	Timeout         = timeout
)
