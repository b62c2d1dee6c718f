package e2e_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/edgeauth/edgeauth/pkg/auth/login"
	"github.com/edgeauth/edgeauth/test/engine"
)

// TestParallelGuesses sends ten thousand guesses at one account, each from its own address, and
// some at an unknown account. Meanwhile the owner logs in from a known device, again and again.
func TestParallelGuesses(t *testing.T) {
	const (
		guesses = 10_000
		unknown = "nobody@example.com"
		others  = guesses / 5 // at the unknown account, interleaved with the guesses
	)
	needAddresses(t)
	s, limits := fresh(t), login.DefaultLimits()
	right := attempt{Email: demo, Password: s.demoPassword(t)}
	first, err := s.try(home, right)
	if err != nil || first.status != http.StatusOK || first.device == "" {
		t.Fatalf("the owner's first login: %v, %v", first, err)
	}
	right.Device = first.device

	answers := map[string][]answer{demo: nil, unknown: nil}
	var mu sync.Mutex
	began, over := time.Now(), make(chan struct{})
	var owner sync.WaitGroup
	logins, slowest := 0, time.Duration(0)
	owner.Go(func() {
		for {
			select {
			case <-over:
				return
			default:
			}
			asked := time.Now()
			got, err := s.try(home, right)
			if err != nil || got.status != http.StatusOK {
				t.Errorf("the owner cannot log in: %v, %v", got, err)
				return
			}
			logins, slowest = logins+1, max(slowest, time.Since(asked))
		}
	})
	each(64, guesses+others, func(i int) {
		guess := attempt{Email: demo, Password: fmt.Sprintf("guess number %d", i)}
		if i%(guesses/others+1) == 0 {
			guess.Email = unknown
		}
		got, err := s.try(stranger(i), guess)
		if err != nil {
			t.Errorf("a guess is not answered: %v", err)
			return
		}
		mu.Lock()
		defer mu.Unlock()
		answers[guess.Email] = append(answers[guess.Email], got)
	})
	took := time.Since(began)
	close(over)
	owner.Wait()

	most := limits.Account.Most(took)
	tried := map[string]int{}
	throttled := 0
	for _, email := range []string{demo, unknown} {
		tried[email] = count(answers[email], http.StatusUnauthorized)
		refused := count(answers[email], http.StatusTooManyRequests)
		throttled += refused
		t.Logf("%s: %d of %d guesses tried in %v, at most %d may be; %d an hour",
			email, tried[email], len(answers[email]), took.Round(time.Millisecond), most, limits.Account.Most(time.Hour))
		if tried[email]+refused != len(answers[email]) {
			t.Errorf("%s: unexpected answers: %v", email, odd(answers[email]))
		}
	}
	t.Logf("the owner logged in %d times meanwhile, in %v at the longest", logins, slowest.Round(time.Millisecond))
	if len(answers[demo]) != guesses || len(answers[unknown]) != others {
		t.Errorf("%d and %d guesses were answered", len(answers[demo]), len(answers[unknown]))
	}
	// The owner's first login has no known device and uses one of the free attempts.
	if n := tried[demo]; n < limits.Account.Free-1 || n > most {
		t.Errorf("%d guesses at the account were tried", n)
	}
	if n := tried[unknown]; n < limits.Account.Free || n > most {
		t.Errorf("%d guesses at no account were tried", n)
	}
	if logins < 10 {
		t.Errorf("the owner logged in %d times only", logins)
	}
	// The answers must not tell an attacker which of the two accounts exists.
	for _, status := range []int{http.StatusUnauthorized, http.StatusTooManyRequests} {
		looks := map[string]bool{}
		for _, list := range answers {
			for _, got := range list {
				if got.status == status {
					looks[got.look()] = true
				}
			}
		}
		if len(looks) != 1 {
			some := slices.Sorted(maps.Keys(looks))[:min(2, len(looks))]
			t.Errorf("%d has %d different answers, such as %q", status, len(looks), some)
		}
	}
	for email, list := range answers {
		for _, got := range list {
			if got.status != http.StatusTooManyRequests {
				continue
			}
			if wait, err := got.wait(); err != nil || wait > limits.Account.MaxDelay {
				t.Fatalf("%s: Retry-After %v, %v", email, wait, err)
			}
		}
	}
	// The server's own log must count the same number of hashes.
	reasons := s.refusals(t, guesses+others)
	want := map[login.Reason]int{
		login.ReasonWrongPassword: tried[demo], login.ReasonUnknown: tried[unknown], login.ReasonThrottled: throttled,
	}
	for reason, n := range want {
		if reasons[reason] != n {
			t.Errorf("the log has %d of %s, answered were %d", reasons[reason], reason, n)
		}
	}
}

// TestPatientGuesses guesses one password after another for some seconds and obeys Retry-After.
// Afterwards the owner, too, must wait to log in from a new device, and then succeeds.
func TestPatientGuesses(t *testing.T) {
	needAddresses(t)
	s, limit := fresh(t), login.DefaultLimits().Account
	began, tried := time.Now(), 0
	for i := 0; tried < limit.Free+2; i++ {
		if i > 10*limit.Free {
			t.Fatalf("%d guesses, and %d tried", i, tried)
		}
		guess := attempt{Email: demo, Password: fmt.Sprintf("guess number %d", i)}
		if s.patiently(t, stranger(i), guess).status != http.StatusUnauthorized {
			t.Fatal("a wrong password is accepted")
		}
		tried++
	}
	took := time.Since(began)
	t.Logf("%d guesses tried in %v, at most %d may be", tried, took.Round(time.Millisecond), limit.Most(took))
	if tried > limit.Most(took) {
		t.Errorf("%d guesses were tried in %v", tried, took)
	}
	asked := time.Now()
	if got := s.patiently(t, home, attempt{Email: demo, Password: s.demoPassword(t)}); got.status != http.StatusOK {
		t.Errorf("the owner cannot log in: %v", got)
	}
	t.Logf("the owner got in from a new device after %v", time.Since(asked).Round(time.Millisecond))
}

// TestGuessesFromOneAddress tries one password on each of many accounts. A neighbour at the same
// address logs in from a known device.
func TestGuessesFromOneAddress(t *testing.T) {
	const accounts = 1000
	needAddresses(t)
	s, limits := fresh(t), login.DefaultLimits()
	right := attempt{Email: demo, Password: s.demoPassword(t)}
	first, err := s.try(home, right)
	if err != nil || first.status != http.StatusOK {
		t.Fatalf("the owner's first login: %v, %v", first, err)
	}
	right.Device = first.device
	answers := make([]answer, accounts)
	began := time.Now()
	// Few workers, so that each guess gets its turn to hash, even on a slow machine.
	each(16, accounts, func(i int) {
		var err error
		answers[i], err = s.try(home, attempt{Email: numbered(i), Password: "Summer2026!"})
		if err != nil {
			t.Errorf("a guess is not answered: %v", err)
		}
	})
	took := time.Since(began)
	tried, most := count(answers, http.StatusUnauthorized), limits.Network.Most(took)
	t.Logf("%d of %d accounts tried in %v, at most %d may be; %d an hour",
		tried, accounts, took.Round(time.Millisecond), most, limits.Network.Most(time.Hour))
	if tried+count(answers, http.StatusTooManyRequests) != accounts {
		t.Errorf("unexpected answers: %v", odd(answers))
	}
	if tried < limits.Network.Free-1 || tried > most {
		t.Errorf("%d accounts were tried", tried)
	}
	if got, err := s.try(home, right); err != nil || got.status != http.StatusOK {
		t.Errorf("the neighbour cannot log in: %v, %v", got, err)
	}
}

// needAddresses skips a test if the loopback interface has only one address.
func needAddresses(t *testing.T) {
	t.Helper()
	l, err := net.Listen("tcp", net.JoinHostPort(stranger(0).String(), "0"))
	if err != nil {
		engine.LeaveOut(t, "loopback with addresses beside 127.0.0.1", "run the tests on Linux")
	}
	_ = l.Close()
}

// home is the owner's address. stranger(i) is an address in a separate network.
var home = netip.AddrFrom4([4]byte{127, 0, 0, 1})

func stranger(i int) netip.Addr {
	return netip.AddrFrom4([4]byte{127, byte(1 + i>>16), byte(i >> 8), byte(i)})
}

// attempt is one login request.
type attempt struct {
	Email    string `json:"email"`
	Password string `json:"password"`
	Device   string `json:"device_token,omitempty"`
}

// answer is everything that the client sees of an answer.
type answer struct {
	status int
	header http.Header
	body   string // of a refusal; empty for a successful login, because it contains secrets
	device string
}

func (a answer) String() string { return fmt.Sprintf("%d %s", a.status, a.body) }

// look returns all parts of an answer that an attacker could compare. It omits the date, the
// waiting time and the request's id, which differ between any two answers.
func (a answer) look() string {
	header := a.header.Clone()
	header.Del("Date")
	id := header.Get("Apigw-Requestid")
	header.Del("Apigw-Requestid")
	if header.Get("Retry-After") != "" {
		header.Set("Retry-After", "some")
	}
	var text bytes.Buffer
	_ = header.Write(&text) // a buffer never returns an error
	return text.String() + strings.Replace(a.body, `"request_id":"`+id+`"`, `"request_id":""`, 1)
}

// wait returns the value of Retry-After: whole seconds, at least one.
func (a answer) wait() (time.Duration, error) {
	seconds, err := strconv.Atoi(a.header.Get("Retry-After"))
	if err == nil && seconds < 1 {
		err = errors.New("no waiting time")
	}
	return time.Duration(seconds) * time.Second, err
}

// fromAddress is the context key of a request's source address.
type fromAddress struct{}

// traveller sends each request from the address in its context, over a new connection.
var traveller = &http.Client{Timeout: 20 * time.Second, Transport: &http.Transport{
	DisableKeepAlives: true,
	DialContext: func(ctx context.Context, network, to string) (net.Conn, error) {
		from, _ := ctx.Value(fromAddress{}).(netip.Addr)
		d := net.Dialer{LocalAddr: net.TCPAddrFromAddrPort(netip.AddrPortFrom(from, 0))}
		return d.DialContext(ctx, network, to)
	},
}}

// try logs in from an address.
func (s *server) try(from netip.Addr, a attempt) (got answer, err error) {
	raw, err := json.Marshal(a)
	if err != nil {
		return got, err
	}
	ctx := context.WithValue(context.Background(), fromAddress{}, from)
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, s.url+"/auth/login", bytes.NewReader(raw))
	if err != nil {
		return got, err
	}
	r.Header.Set("Content-Type", "application/json")
	reply, err := traveller.Do(r)
	if err != nil {
		return got, err
	}
	body, err := io.ReadAll(reply.Body)
	if err := errors.Join(err, reply.Body.Close()); err != nil {
		return got, err
	}
	got = answer{status: reply.StatusCode, header: reply.Header}
	if got.status != http.StatusOK {
		got.body = string(body)
		return got, nil
	}
	var granted struct {
		Device string `json:"device_token"`
	}
	err = json.Unmarshal(body, &granted)
	got.device = granted.Device
	return got, err
}

// patiently retries until the login is not throttled. An early retry must change nothing, and a
// retry after the announced wait must succeed.
func (s *server) patiently(t *testing.T, from netip.Addr, a attempt) answer {
	t.Helper()
	asked := time.Now()
	got, err := s.try(from, a)
	if err != nil {
		t.Fatal(err)
	}
	if got.status != http.StatusTooManyRequests {
		return got
	}
	wait, err1 := got.wait()
	again, err2 := s.try(from, a)
	if err := errors.Join(err1, err2); err != nil {
		t.Fatal(err)
	}
	// The wait is rounded up to a second. On a slow machine the early retry may therefore succeed.
	if again.status != http.StatusTooManyRequests && time.Since(asked) > wait-time.Second {
		return again
	}
	if longer, err := again.wait(); again.status != http.StatusTooManyRequests || err != nil || longer > wait {
		t.Fatalf("told to wait %v, and asking again: %v, wait %v, %v", wait, again, longer, err)
	}
	time.Sleep(wait)
	got, err = s.try(from, a)
	if err != nil || got.status == http.StatusTooManyRequests {
		t.Fatalf("after the wait of %v: %v, %v", wait, got, err)
	}
	return got
}

// refusals waits until the audit log has n refused logins, and counts their reasons.
func (s *server) refusals(t *testing.T, n int) map[login.Reason]int {
	t.Helper()
	for deadline := time.Now().Add(5 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		reasons, all := map[login.Reason]int{}, 0
		for line := range strings.Lines(s.log.String()) {
			var event struct {
				Event  string
				Reason login.Reason
			}
			if !strings.HasSuffix(line, "\n") {
				break
			}
			if err := json.Unmarshal([]byte(line), &event); err != nil {
				t.Fatalf("not a line of the audit log: %q", line)
			}
			if event.Event == "authn_login_fail" {
				reasons[event.Reason]++
				all++
			}
		}
		if all >= n || time.Now().After(deadline) {
			return reasons
		}
	}
}

func count(answers []answer, status int) (n int) {
	for _, a := range answers {
		if a.status == status {
			n++
		}
	}
	return n
}

// odd returns the first answer that is not a well-formed refusal.
func odd(answers []answer) string {
	for _, a := range answers {
		if a.status != http.StatusUnauthorized && a.status != http.StatusTooManyRequests {
			return a.String()
		}
	}
	return "none"
}
