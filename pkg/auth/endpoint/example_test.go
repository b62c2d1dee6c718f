package endpoint_test

import (
	"errors"
	"net/http"
	"time"

	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/endpoint"
	"github.com/edgeauth/edgeauth/pkg/auth/login"
	"github.com/edgeauth/edgeauth/pkg/auth/service"
	"github.com/edgeauth/edgeauth/pkg/auth/throttle"
)

// A login of your own: the program proves who the user is, and edgeauth opens the session. The
// service comes from service.Opener or service.New.
func ExampleResponder_Opens() {
	var s *service.Service
	var attempts *throttle.Limiter
	prove := func(r *http.Request) (endpoint.Proven, error) {
		now := time.Now()
		slot, err := attempts.Take(r.Context(), throttle.Charge{
			Kind: "partner", Text: r.RemoteAddr, At: now,
			Limit: throttle.Limit{Free: 10, Delay: time.Second, MaxDelay: time.Minute, Window: time.Hour},
		})
		if exceeded, ok := errors.AsType[*throttle.Exceeded](err); ok {
			return endpoint.Proven{}, &login.Refusal{Reason: login.ReasonThrottled, RetryAfter: exceeded.RetryAfter} // 429
		}
		if err != nil {
			return endpoint.Proven{}, err
		}
		id, ok := partnerOf(r)
		if !ok {
			_ = attempts.Settle(r.Context(), slot, throttle.EndingFailed)
			return endpoint.Proven{}, &login.Refusal{Reason: login.ReasonUnknown} // 401 invalid_credentials
		}
		u, err := s.Users().Get(r.Context(), id) // after the proof; auth.ErrNotFound is 401 too
		if err != nil {
			return endpoint.Proven{}, err
		}
		_ = attempts.Settle(r.Context(), slot, throttle.EndingSucceeded)
		return endpoint.Proven{Subject: u.Subject(), Client: s.Clients()[auth.DefaultClient], AuthTime: now}, nil
	}
	http.Handle("POST /auth/partner", s.Responder().Opens(s.Sessions(), prove))
}

// partnerOf stands for the proof: a signature, a certificate, the answer of an identity provider.
func partnerOf(*http.Request) (auth.SubjectID, bool) { return "", false }
