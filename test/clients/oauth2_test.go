package clients_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"golang.org/x/oauth2"

	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/token"
)

const goroutines = 50

// source returns a token source of golang.org/x/oauth2 for a new session whose access token has
// expired. The source uses the server's HTTP client.
func (h *server) source(t *testing.T, style oauth2.AuthStyle) oauth2.TokenSource {
	t.Helper()
	config := oauth2.Config{
		ClientID: string(auth.DefaultClient),
		Endpoint: oauth2.Endpoint{TokenURL: h.URL + "/auth/refresh", AuthStyle: style},
	}
	ctx := context.WithValue(context.WithoutCancel(t.Context()), oauth2.HTTPClient, h.Client())
	held := h.login(t)
	return config.TokenSource(ctx, &oauth2.Token{
		AccessToken: held.Access, RefreshToken: held.Refresh, Expiry: time.Now().Add(-time.Minute),
	})
}

// share calls source from many goroutines, several times each, and counts the returned access
// tokens.
func share(t *testing.T, source oauth2.TokenSource, times int) map[string]int {
	t.Helper()
	var (
		group sync.WaitGroup
		mu    sync.Mutex
		came  = map[string]int{}
	)
	for range goroutines {
		group.Go(func() {
			for range times {
				got, err := source.Token()
				if err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				came[got.AccessToken]++
				mu.Unlock()
			}
		})
	}
	group.Wait()
	return came
}

// TestOAuth2: all goroutines that share a token source of golang.org/x/oauth2 get the token of one
// refresh, however the client identifies itself. By default the source tries a header first, and a
// form if the header was refused.
func TestOAuth2(t *testing.T) {
	for name, style := range map[string]oauth2.AuthStyle{
		"by itself": oauth2.AuthStyleAutoDetect, "form": oauth2.AuthStyleInParams, "header": oauth2.AuthStyleInHeader,
	} {
		for _, scheme := range []string{"http", "https"} {
			t.Run(name+" "+scheme, func(t *testing.T) {
				h := newServer(t, scheme, token.ES256)
				source := h.source(t, style)
				h.log.outcomes(t) // of the login
				came := share(t, source, 2)
				if len(came) != 1 {
					t.Errorf("%d access tokens", len(came))
				}
				for access := range came {
					h.verify(t, access)
				}
				if count := countOf(h.log.outcomes(t)); len(count) != 1 || count["rotated"] != 1 {
					t.Errorf("refreshes: %v", count)
				}
			})
		}
	}
}

// TestOAuth2Rotations makes every call refresh, through forty rotations. The answers between two
// rotations carry no refresh token, and the client keeps its own (RFC 6749, section 6).
func TestOAuth2Rotations(t *testing.T) {
	const (
		times = 4
		calls = goroutines * times
	)
	h := newServer(t, "http", token.EdDSA)
	h.clock.step = 31 * time.Second // five of them are more than the minimum rotation interval
	early := oauth2.ReuseTokenSourceWithExpiry(nil, h.source(t, oauth2.AuthStyleAutoDetect), time.Hour)
	h.log.outcomes(t)
	if came := share(t, early, times); len(came) != calls {
		t.Errorf("%d access tokens after %d calls", len(came), calls)
	}
	if count := countOf(h.log.outcomes(t)); len(count) != 2 || count["rotated"] != calls/5 || count["same"] != calls*4/5 {
		t.Errorf("refreshes: %v", count)
	}
	last, err := early.Token()
	if err != nil {
		t.Fatal(err)
	}
	h.verify(t, last.AccessToken)
}

func countOf(outcomes []string) map[string]int {
	count := map[string]int{}
	for _, outcome := range outcomes {
		count[outcome]++
	}
	return count
}
