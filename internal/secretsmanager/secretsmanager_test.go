package secretsmanager_test

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/edgeauth/edgeauth/internal/awsclient"
	"github.com/edgeauth/edgeauth/internal/keyrings"
	"github.com/edgeauth/edgeauth/internal/secretsmanager"
	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/keyring"
	"github.com/edgeauth/edgeauth/test/fault"
	standin "github.com/edgeauth/edgeauth/test/secretsmanager"
)

var instant = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

func clock() time.Time { return instant }

// open returns a source in a new secret, the service behind the source, and the transport between.
func open(t *testing.T) (keyrings.Source, *standin.Server, string, *fault.Transport) {
	t.Helper()
	service, wire := &standin.Server{}, &fault.Transport{}
	listening := httptest.NewServer(service)
	t.Cleanup(listening.Close)
	arn := service.Add("ring")
	client := secretsmanager.New(awsclient.Config{
		Region: "eu-central-1", Endpoint: listening.URL, Transport: wire,
		Credentials: awsclient.Credentials{AccessKeyID: "id", SecretAccessKey: auth.NewSecret("wJalrXUtnFEMI"), SessionToken: auth.NewSecret("FwoGZXIv")},
	})
	return client.Secret(arn), service, arn, wire
}

func refreshRing(t *testing.T) keyrings.Ring {
	t.Helper()
	r, err := keyrings.NewRefreshRing(instant, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func text(t *testing.T, r keyrings.Ring) string {
	t.Helper()
	s, err := r.Text()
	if err != nil {
		t.Fatal(err)
	}
	return s.Reveal()
}

func TestSecret(t *testing.T) {
	source, service, arn, _ := open(t)
	if _, err := source.Load(t.Context()); !errors.Is(err, auth.ErrNotFound) || !strings.Contains(err.Error(), arn) {
		t.Errorf("no value: %v", err)
	}
	first := refreshRing(t)
	second := first.Drop(2)
	for _, row := range []struct {
		name string
		ring keyrings.Ring
		want error
	}{
		{"the second first", second, keyrings.ErrConflict},
		{"the first", first, nil},
		{"another first", refreshRing(t), keyrings.ErrConflict},
		{"the second", second, nil},
		{"another second", first.Drop(1), keyrings.ErrConflict},
	} {
		if err := keyrings.Save(t.Context(), source, row.ring); !errors.Is(err, row.want) {
			t.Errorf("%s: %v", row.name, err)
		}
	}
	got, err := keyrings.Load(t.Context(), source, keyrings.RefreshRing)
	if stored, versions := service.Text(arn); err != nil || text(t, got) != text(t, second) || stored != text(t, second) || versions != 2 {
		t.Errorf("%v, %d versions, %v", got, versions, err)
	}
}

func TestWhatIsNoRing(t *testing.T) {
	source, service, arn, _ := open(t)
	service.Set(arn, `{"password":"hunter2"}`)
	if _, err := keyring.LoadRefresh(t.Context(), source, 1, clock); !errors.Is(err, keyrings.ErrMalformed) || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("loaded: %v", err)
	}
	if err := keyrings.Save(t.Context(), source, refreshRing(t)); !errors.Is(err, keyrings.ErrMalformed) {
		t.Errorf("saved over: %v", err)
	}
	if stored, _ := service.Text(arn); stored != `{"password":"hunter2"}` {
		t.Errorf("it became %s", stored)
	}
	missing, _, _, _ := open(t)
	if err := missing.Save(t.Context(), auth.NewSecret(text(t, refreshRing(t))+strings.Repeat(" ", 64<<10))); err == nil ||
		!strings.Contains(err.Error(), "65536") {
		t.Errorf("too long: %v", err)
	}
}

func TestSecretThatDoesNotExist(t *testing.T) {
	service := httptest.NewServer(&standin.Server{})
	t.Cleanup(service.Close)
	source := secretsmanager.New(awsclient.Config{Region: "eu-central-1", Endpoint: service.URL,
		Credentials: awsclient.Credentials{AccessKeyID: "id", SecretAccessKey: auth.NewSecret("key")}}).Secret("arn:none")
	if _, err := keyring.LoadSigning(t.Context(), source, 1, clock); !errors.Is(err, auth.ErrNotFound) || !strings.Contains(err.Error(), "arn:none") {
		t.Errorf("loaded: %v", err)
	}
	if err := keyrings.Save(t.Context(), source, refreshRing(t)); !errors.Is(err, auth.ErrNotFound) {
		t.Errorf("saved: %v", err)
	}
}

// A fault of the service never stops the start, and the ring is available after the fault. A fault
// that ends at once is not visible.
func TestFaults(t *testing.T) {
	const always = 1 << 20
	for name, row := range map[string]struct {
		break_ func(*standin.Server, *fault.Transport, int)
		once   bool // the SDK's retry succeeds
		want   string
	}{
		"throttled":      {func(s *standin.Server, _ *fault.Transport, n int) { s.Fail("", n, standin.Throttled) }, true, "ThrottlingException"},
		"internal error": {func(s *standin.Server, _ *fault.Transport, n int) { s.Fail("", n, standin.InternalError) }, true, "InternalServiceError"},
		"denied": {func(s *standin.Server, _ *fault.Transport, n int) { s.Fail("", n, standin.Denied) }, false,
			"this role may not read it (it needs secretsmanager:GetSecretValue"},
		"lost reply":      {func(s *standin.Server, _ *fault.Transport, n int) { s.Fail("", n, standin.Lost) }, true, ""},
		"reset before":    {func(_ *standin.Server, w *fault.Transport, n int) { w.Fail("", n, fault.ResetBefore) }, true, "reset"},
		"time-out before": {func(_ *standin.Server, w *fault.Transport, n int) { w.Fail("", n, fault.TimeoutBefore) }, true, ""},
		"garbled":         {func(_ *standin.Server, w *fault.Transport, n int) { w.Fail("", n, fault.Garbled) }, false, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			source, service, _, wire := open(t)
			r := refreshRing(t)
			if err := keyrings.Save(t.Context(), source, r); err != nil {
				t.Fatal(err)
			}
			now := instant
			row.break_(service, wire, 1)
			if _, err := source.Load(t.Context()); (err == nil) != row.once {
				t.Errorf("once: %v", err)
			}
			row.break_(service, wire, always)
			_, err := source.Load(t.Context())
			if !errors.Is(err, auth.ErrUnavailable) || errors.Is(err, auth.ErrNotFound) || !strings.Contains(err.Error(), row.want) {
				t.Errorf("always: %v", err)
			}
			live, err := keyring.LoadRefresh(t.Context(), source, 1, func() time.Time { return now })
			if err != nil {
				t.Fatalf("it stops the start: %v", err)
			}
			service.Heal()
			wire.Fail("", 0, nil)
			now = now.Add(time.Second)
			if key, err := live.SealingKey(t.Context()); err != nil || !key.Secret.Equal(r.Keys[1].Secret) {
				t.Errorf("afterwards: %v", err)
			}
		})
	}
}

// A write whose reply is lost is recognised by its retry.
func TestLostReplyOfAWrite(t *testing.T) {
	source, service, arn, _ := open(t)
	service.Fail("PutSecretValue", 1, standin.Lost)
	r := refreshRing(t)
	if err := keyrings.Save(t.Context(), source, r); err != nil {
		t.Fatal(err)
	}
	calls := service.Calls()
	if stored, versions := service.Text(arn); stored != text(t, r) || versions != 1 || calls["PutSecretValue"] != 2 {
		t.Errorf("%d versions after %v", versions, calls)
	}
	service.Fail("PutSecretValue", 1, standin.Denied)
	err := keyrings.Save(t.Context(), source, r.Drop(2))
	if !errors.Is(err, auth.ErrUnavailable) || !strings.Contains(err.Error(), "may not write it (it needs secretsmanager:PutSecretValue") {
		t.Errorf("denied: %v", err)
	}
}

// Of several writers that read the same state, one writes the next state, even if no writer sees
// the writes of the other writers.
func TestReadsThatAreTooOld(t *testing.T) {
	source, service, arn, _ := open(t)
	first := refreshRing(t)
	second := first.Drop(1)
	for _, r := range []keyrings.Ring{first, second} {
		if err := keyrings.Save(t.Context(), source, r); err != nil {
			t.Fatal(err)
		}
	}
	service.Lag(3) // the read of Save, and two reads of visible
	if err := keyrings.Save(t.Context(), source, first.Drop(2)); !errors.Is(err, keyrings.ErrConflict) {
		t.Errorf("a second state was saved twice: %v", err)
	}
	if stored, versions := service.Text(arn); stored != text(t, second) || versions != 2 {
		t.Errorf("%d versions, %s", versions, stored)
	}
	if got, err := keyrings.Load(t.Context(), source, keyrings.RefreshRing); err != nil || got.Serial != 2 {
		t.Errorf("whoever begins again reads serial %d, %v", got.Serial, err)
	}
}

// TestVersionMovedBackByHand checks that no key is lost if an operator makes an old version the
// current version, and that the error says what to do.
func TestVersionMovedBackByHand(t *testing.T) {
	source, service, arn, _ := open(t)
	first := refreshRing(t)
	second := first.Drop(1)
	for _, r := range []keyrings.Ring{first, second} {
		if err := keyrings.Save(t.Context(), source, r); err != nil {
			t.Fatal(err)
		}
	}
	service.Lag(1 << 20)
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	err := keyrings.Save(ctx, source, first.Drop(2))
	if !errors.Is(err, keyrings.ErrConflict) || !strings.Contains(err.Error(), "AWSCURRENT was moved back by hand") {
		t.Error(err)
	}
	if stored, versions := service.Text(arn); stored != text(t, second) || versions != 2 {
		t.Errorf("%d versions, %s", versions, stored)
	}
}

func TestConcurrentWritersLoseNoKey(t *testing.T) {
	source, service, arn, _ := open(t)
	if err := keyrings.Save(t.Context(), source, refreshRing(t)); err != nil {
		t.Fatal(err)
	}
	const writers = 6
	var wg sync.WaitGroup
	for i := range writers {
		wg.Go(func() {
			add := func(r keyrings.Ring) (keyrings.Ring, error) { return r.Add(uint16(10+i), "", instant, rand.Reader) }
			if _, err := keyrings.Update(t.Context(), source, keyrings.RefreshRing, add); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	r, err := keyrings.Load(t.Context(), source, keyrings.RefreshRing)
	_, versions := service.Text(arn)
	if err != nil || len(r.Keys) != 2+writers || r.Serial != 1+writers || versions != 1+writers {
		t.Errorf("%v, serial %d, %d versions, %v", r.Versions(), r.Serial, versions, err)
	}
}

func TestLoadIsBounded(t *testing.T) {
	source, _, _, wire := open(t)
	wire.Fail("", 1<<20, fault.TimeoutBefore)
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	if _, err := source.Load(ctx); !errors.Is(err, auth.ErrUnavailable) {
		t.Error(err)
	}
}

func TestCredentialsAreNeverPrinted(t *testing.T) {
	config := awsclient.Config{Credentials: awsclient.Credentials{SecretAccessKey: auth.NewSecret("wJalrXUtnFEMI"), SessionToken: auth.NewSecret("FwoGZXIv")}}
	for _, verb := range []string{"%v", "%+v", "%#v"} {
		if got := fmt.Sprintf(verb, config); strings.Contains(got, "wJalr") || strings.Contains(got, "FwoGZ") {
			t.Errorf("%s shows %s", verb, got)
		}
	}
}
