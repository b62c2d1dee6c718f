package own_test

import (
	"context"
	"io"
	"net/http"
	"testing"

	"github.com/edgeauth/edgeauth/pkg/auth/login"
	"github.com/edgeauth/edgeauth/pkg/auth/service"
)

// TestSecondFactor asks for a code in the real login function, which reads its environment.
func TestSecondFactor(t *testing.T) {
	h := newHome(t)
	for name, value := range map[string]string{
		"ISSUER": issuer, "AUDIENCE": issuer, "KEY_VERSION": "1",
		"SIGNING_RING": "file:" + h.path("signing-ring.json"),
		"REFRESH_KEYS": "file:" + h.path("refresh-keys.json"),
		"LOGIN_RING":   "file:" + h.path("login-ring.json"),
		"STORE":        "bolt:" + h.path("store.db"),
		"PROFILE":      "balanced", "ACCESS_TOKEN_LIFETIME": "15m", "IDLE_TIMEOUT": "336h", "ABSOLUTE_TIMEOUT": "2160h",
	} {
		t.Setenv("EDGEAUTH_"+name, value)
	}
	factor := func(_ context.Context, c login.Credentials, r login.Result) ([]string, error) {
		if r.User.ID != h.ada.ID || c.OneTimeCode.Reveal() != "123456" {
			return nil, &login.Denial{Code: "second_factor_required"}
		}
		return []string{"otp"}, nil
	}
	function, err := service.Login(service.Options{Steps: login.Steps{After: factor}, Log: io.Discard})
	if err != nil {
		t.Fatal(err)
	}
	logIn := func(password, code string) answer {
		return send(t, function, "/auth/login",
			`{"email":"`+email+`","password":"`+password+`","one_time_code":"`+code+`"}`)
	}
	if got := logIn(secret, "123456"); got.status != http.StatusOK || got.Access == "" {
		t.Errorf("the password and the code: %+v", got)
	}
	if got := logIn("wrong", "123456"); got.status != http.StatusUnauthorized || got.Access != "" {
		t.Errorf("the code alone: %+v", got)
	}
	if got := logIn(secret, ""); got.status != http.StatusForbidden || got.Error != "second_factor_required" || got.Access != "" {
		t.Errorf("the password alone: %+v", got)
	}
	// Guesses at the code count like guesses at the password.
	for range 100 {
		got := logIn(secret, "000000")
		if got.status == http.StatusTooManyRequests {
			return
		}
		if got.status != http.StatusForbidden {
			t.Fatalf("a guess: %+v", got)
		}
	}
	t.Error("guesses at the code are not limited")
}
