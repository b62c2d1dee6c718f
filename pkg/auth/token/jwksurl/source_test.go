package jwksurl_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/token"
	"github.com/edgeauth/edgeauth/pkg/auth/token/jwksurl"
)

// issuer is a TLS server whose answer a test sets, with a clock that a test moves.
type issuer struct {
	*httptest.Server
	answer atomic.Pointer[http.HandlerFunc]
	asked  atomic.Int32
	mu     sync.Mutex
	now    time.Time
}

func newIssuer(t *testing.T) *issuer {
	t.Helper()
	i := &issuer{now: time.Unix(1_700_000_000, 0)}
	i.Server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		i.asked.Add(1)
		(*i.answer.Load())(w, r)
	}))
	i.Config.ErrorLog = log.New(io.Discard, "", 0) // the tests break connections
	i.StartTLS()
	t.Cleanup(i.Close)
	return i
}

func (i *issuer) roots() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(i.Certificate())
	return pool
}

func (i *issuer) source(t *testing.T, change ...func(*jwksurl.Config)) *jwksurl.Source {
	t.Helper()
	c := jwksurl.Config{URL: i.URL + "/jwks.json", Roots: i.roots(), Now: i.clock}
	for _, f := range change {
		f(&c)
	}
	s, err := jwksurl.New(c)
	if err != nil {
		t.Fatal(err)
	}
	if was := s.SetTimeout(time.Minute); was != jwksurl.Timeout { // a slow machine must not decide
		t.Errorf("a request may take %v", was)
	}
	return s
}

func (i *issuer) clock() time.Time {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.now
}

func (i *issuer) later(d time.Duration) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.now = i.now.Add(d)
}

func (i *issuer) answers(h http.HandlerFunc) { i.answer.Store(&h) }

func (i *issuer) fails() {
	i.answers(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) })
}

func (i *issuer) publishes(t *testing.T, keys ...token.Key) {
	t.Helper()
	text := jwks(t, keys...)
	i.answers(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, text) })
}

func jwks(t *testing.T, keys ...token.Key) string {
	t.Helper()
	set, err := token.NewKeySet(keys...)
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(set)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func newKey(t *testing.T) token.Key {
	t.Helper()
	key, err := token.GenerateSigningKey(token.EdDSA, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key.Public()
}

// step requests a key and checks the result and the number of requests so far.
func (i *issuer) step(t *testing.T, s *jwksurl.Source, name, kid string, want error, asked int32) {
	t.Helper()
	key, err := s.Key(t.Context(), kid)
	if !errors.Is(err, want) || (err == nil) != (want == nil) || err == nil && key.ID() != kid {
		t.Errorf("%s: key %q, %v; want %v", name, key.ID(), err, want)
	}
	if got := i.asked.Load(); got != asked {
		t.Errorf("%s: the issuer was requested %d times, want %d", name, got, asked)
	}
}

func TestKeysAreFetchedOnceAndKept(t *testing.T) {
	i, key := newIssuer(t), newKey(t)
	i.publishes(t, key)
	s := i.source(t)
	i.step(t, s, "first", key.ID(), nil, 1)
	i.step(t, s, "again", key.ID(), nil, 1)
	i.later(jwksurl.FreshFor - 1)
	i.step(t, s, "still fresh", key.ID(), nil, 1)
	i.later(1)
	i.step(t, s, "not fresh any more", key.ID(), nil, 2)
	i.step(t, s, "fresh again", key.ID(), nil, 2)
}

// An unusable key beside usable keys is reported, and the usable keys stay in use.
func TestUnusableKeysAreSkippedAndReported(t *testing.T) {
	i, key := newIssuer(t), newKey(t)
	text := strings.Replace(jwks(t, key), `{"keys":[`, `{"keys":[{"kty":"RSA","kid":"weak","alg":"RS256","n":"AQAB","e":"AQAB"},`, 1)
	i.answers(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, text) })
	var named []error
	s := i.source(t, func(c *jwksurl.Config) { c.Skipped = func(err error) { named = append(named, err) } })
	i.step(t, s, "the good key", key.ID(), nil, 1)
	if len(named) != 1 || !strings.Contains(named[0].Error(), `key "weak"`) {
		t.Errorf("named: %v", named)
	}
}

func TestUnknownKidAsksOnceAMinute(t *testing.T) {
	i, old, next := newIssuer(t), newKey(t), newKey(t)
	i.publishes(t, old)
	s := i.source(t)
	i.step(t, s, "unknown at first", "x", auth.ErrNotFound, 1)
	for n := range 20 {
		i.step(t, s, "invented", fmt.Sprint("x", n), auth.ErrNotFound, 1)
	}
	i.publishes(t, old, next)
	i.later(jwksurl.RetryAfter - 1)
	i.step(t, s, "new within the minute", next.ID(), auth.ErrNotFound, 1)
	i.later(1)
	i.step(t, s, "new after the minute", next.ID(), nil, 2)
	i.step(t, s, "invented once more", "x", auth.ErrNotFound, 2)
	i.publishes(t, next)
	i.later(jwksurl.FreshFor)
	i.step(t, s, "withdrawn", old.ID(), auth.ErrNotFound, 3)
}

func TestStaleKeysStayWhileTheIssuerFails(t *testing.T) {
	i, key := newIssuer(t), newKey(t)
	i.publishes(t, key)
	s := i.source(t)
	i.step(t, s, "first", key.ID(), nil, 1)
	i.fails()
	i.later(jwksurl.FreshFor)
	i.step(t, s, "stale", key.ID(), nil, 2)
	i.step(t, s, "the failure is penalised", key.ID(), nil, 2)
	// A failed request cannot tell whether the issuer has the key.
	i.step(t, s, "unknown while it fails", "x", auth.ErrUnavailable, 2)
	i.later(jwksurl.RetryAfter)
	i.step(t, s, "a minute later", key.ID(), nil, 3)
	i.later(jwksurl.StaleFor - jwksurl.FreshFor - jwksurl.RetryAfter - 1)
	i.step(t, s, "just before the end", key.ID(), nil, 4)
	i.later(1)
	i.step(t, s, "too old, within the first pause", key.ID(), auth.ErrUnavailable, 4)
	i.later(jwksurl.FirstRetryAfter)
	i.step(t, s, "too old", key.ID(), auth.ErrUnavailable, 5)
	i.publishes(t, key)
	i.later(jwksurl.FirstRetryAfter)
	i.step(t, s, "it is back", key.ID(), nil, 6)
}

func TestFirstFailurePausesBriefly(t *testing.T) {
	i, key := newIssuer(t), newKey(t)
	i.fails()
	s := i.source(t)
	i.step(t, s, "down", key.ID(), auth.ErrUnavailable, 1)
	i.publishes(t, key)
	i.later(jwksurl.FirstRetryAfter - 1)
	i.step(t, s, "penalised", key.ID(), auth.ErrUnavailable, 1)
	i.later(1)
	i.step(t, s, "up", key.ID(), nil, 2)
}

func TestCallersShareOneRequest(t *testing.T) {
	i, key := newIssuer(t), newKey(t)
	text, open := jwks(t, key), make(chan struct{})
	i.answers(func(w http.ResponseWriter, _ *http.Request) { <-open; fmt.Fprint(w, text) })
	s := i.source(t)
	impatient, cancel := context.WithCancel(t.Context())
	left := make(chan error)
	go func() {
		_, err := s.Key(impatient, key.ID())
		left <- err
	}()
	for i.asked.Load() == 0 {
		time.Sleep(time.Millisecond)
	}
	i.later(jwksurl.RetryAfter) // one request is enough, however long it takes
	var all sync.WaitGroup
	for range 50 {
		all.Go(func() {
			if _, err := s.Key(t.Context(), key.ID()); err != nil {
				t.Error(err)
			}
		})
	}
	cancel() // the request continues without its first caller
	if err := <-left; !errors.Is(err, auth.ErrUnavailable) || !errors.Is(err, context.Canceled) {
		t.Errorf("who left: %v", err)
	}
	close(open)
	all.Wait()
	if n := i.asked.Load(); n != 1 {
		t.Errorf("%d requests", n)
	}
}

func TestKnownKeysDoNotWaitForAnothersRequest(t *testing.T) {
	i, key := newIssuer(t), newKey(t)
	i.publishes(t, key)
	s := i.source(t)
	i.step(t, s, "first", key.ID(), nil, 1)
	open, waited := make(chan struct{}), make(chan error)
	i.answers(func(http.ResponseWriter, *http.Request) { <-open })
	i.later(jwksurl.RetryAfter)
	go func() {
		_, err := s.Key(t.Context(), "x")
		waited <- err
	}()
	for i.asked.Load() == 1 {
		time.Sleep(time.Millisecond)
	}
	i.step(t, s, "known meanwhile", key.ID(), nil, 2)
	close(open)
	if err := <-waited; !errors.Is(err, auth.ErrUnavailable) {
		t.Errorf("an empty answer: %v", err)
	}
}

func TestInvalidAnswers(t *testing.T) {
	key := newKey(t)
	good := jwks(t, key)
	var folded bytes.Buffer
	z := gzip.NewWriter(&folded)
	fmt.Fprint(z, good, strings.Repeat(" ", 10*token.MaxJWKSBytes))
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct {
		name   string
		answer http.HandlerFunc
		want   string
	}{
		{"not found", func(w http.ResponseWriter, r *http.Request) { http.NotFound(w, r) }, "status is 404"},
		{"a redirect to a good set", func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/jwks.json" {
				http.Redirect(w, r, "/elsewhere", http.StatusFound)
				return
			}
			fmt.Fprint(w, good)
		}, "status is 302"},
		{"a good set with another status", func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusAccepted)
			fmt.Fprint(w, good)
		}, "status is 202"},
		{"empty", func(http.ResponseWriter, *http.Request) {}, "expected a JSON object"},
		{"HTML", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "<html>") }, "expected a JSON object"},
		{"no keys", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, `{"keys":[]}`) }, "the set has no key"},
		{"too long", func(w http.ResponseWriter, _ *http.Request) {
			fmt.Fprint(w, good, strings.Repeat(" ", token.MaxJWKSBytes))
		}, "more than 65536 bytes"},
		{"too long once unfolded", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Encoding", "gzip")
			_, _ = w.Write(folded.Bytes())
		}, "more than 65536 bytes"},
		{"endless", func(w http.ResponseWriter, r *http.Request) {
			for sent := 0; r.Context().Err() == nil; sent += 1 << 12 {
				if _, err := fmt.Fprint(w, strings.Repeat(" ", 1<<12)); err != nil {
					return
				}
				if sent > 64<<20 { // more than all buffers on the way
					t.Error("the client does not stop reading")
					return
				}
			}
		}, "more than 65536 bytes"},
		{"headers too long", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("X", strings.Repeat("x", 2*token.MaxJWKSBytes))
			fmt.Fprint(w, good)
		}, "header"},
		{"broken off", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", fmt.Sprint(len(good)))
			fmt.Fprint(w, good[:20])
		}, "broke off"},
		{"cut in the middle", func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, "EOF"},
	} {
		t.Run(row.name, func(t *testing.T) {
			i := newIssuer(t)
			i.answers(row.answer)
			_, err := i.source(t).Key(t.Context(), key.ID())
			if !errors.Is(err, auth.ErrUnavailable) || !strings.Contains(err.Error(), row.want) {
				t.Errorf("%v, want %q", err, row.want)
			}
			if n := i.asked.Load(); n != 1 {
				t.Errorf("%d requests", n)
			}
		})
	}
}

func TestSlowIssuerTimesOut(t *testing.T) {
	i, key, end := newIssuer(t), newKey(t), make(chan struct{})
	defer close(end)
	i.answers(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusOK)
		_ = http.NewResponseController(w).Flush()
		<-end // sends the headers and no body
	})
	s := i.source(t)
	s.SetTimeout(50 * time.Millisecond)
	_, err := s.Key(t.Context(), key.ID())
	if !errors.Is(err, auth.ErrUnavailable) || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%v", err)
	}
}

func TestUnknownAuthority(t *testing.T) {
	i, key := newIssuer(t), newKey(t)
	i.publishes(t, key)
	s, err := jwksurl.New(jwksurl.Config{URL: i.URL, Roots: x509.NewCertPool(), Now: i.clock})
	if err != nil {
		t.Fatal(err)
	}
	_, err = s.Key(t.Context(), key.ID())
	if _, ok := errors.AsType[x509.UnknownAuthorityError](err); !ok || !errors.Is(err, auth.ErrUnavailable) {
		t.Errorf("%v", err)
	}
}

func TestNewNamesWhatIsWrong(t *testing.T) {
	for _, row := range []struct{ name, url, want string }{
		{"nothing", "", "URL must"},
		{"plain http", "http://issuer.example.com/jwks.json", "URL must"},
		{"plain http on loopback", "http://127.0.0.1:8080/jwks.json", ""},
		{"plain http on localhost", "http://localhost/jwks.json", ""},
		{"plain http on a name that begins so", "http://localhost.example.com/jwks.json", "URL must"},
		{"a file", "file:///etc/jwks.json", "URL must"},
		{"no host", "https:///jwks.json", "URL must"},
		{"a user", "https://u:p@issuer.example.com/jwks.json", "URL must"},
		{"a fragment", "https://issuer.example.com/jwks.json#a", "URL must"},
		{"no URL", "https://[", "URL must"},
		{"a query", "https://issuer.example.com/keys?tenant=a", ""},
	} {
		_, err := jwksurl.New(jwksurl.Config{URL: row.url, Now: time.Now})
		if (err == nil) != (row.want == "") || err != nil && !strings.Contains(err.Error(), row.want) {
			t.Errorf("%s: %v", row.name, err)
		}
	}
	if _, err := jwksurl.New(jwksurl.Config{URL: "https://issuer.example.com/"}); err != nil {
		t.Errorf("no clock: %v", err)
	}
}
