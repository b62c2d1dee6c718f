package auth_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/edgeauth/edgeauth/pkg/auth"
)

func TestSecretIsNeverPrinted(t *testing.T) {
	const text = "correct horse"
	secret := auth.NewSecret(text)
	type exported struct{ S auth.Secret }
	type unexported struct{ s auth.Secret }
	printed := map[string]string{}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		printed["secret "+verb] = fmt.Sprintf(verb, secret)
		printed["pointer "+verb] = fmt.Sprintf(verb, &secret)
		printed["field "+verb] = fmt.Sprintf(verb, exported{secret})
		printed["unexported field "+verb] = fmt.Sprintf(verb, unexported{secret})
		printed["key "+verb] = fmt.Sprintf(verb, auth.RefreshTokenKey{ID: 1, Secret: secret})
	}
	printed["json"] = marshal(t, exported{secret})
	printed["json key"] = marshal(t, map[auth.Secret]int{secret: 1})
	for name, handler := range map[string]func(*bytes.Buffer) slog.Handler{
		"slog text": func(b *bytes.Buffer) slog.Handler { return slog.NewTextHandler(b, nil) },
		"slog json": func(b *bytes.Buffer) slog.Handler { return slog.NewJSONHandler(b, nil) },
	} {
		var b bytes.Buffer
		slog.New(handler(&b)).Info("m", "plain", secret, "nested", exported{secret}, "hidden", unexported{secret})
		printed[name] = b.String()
	}
	hexText := fmt.Sprintf("%x", text)
	for how, got := range printed {
		if strings.Contains(got, text) || strings.Contains(got, hexText) {
			t.Errorf("%s shows the secret: %s", how, got)
		}
	}
	if got := fmt.Sprint(secret); got != "[redacted]" {
		t.Errorf("Sprint = %q", got)
	}
	if secret.Reveal() != text {
		t.Errorf("Reveal = %q", secret.Reveal())
	}
	if !secret.Equal(auth.NewSecret(text)) || secret.Equal(auth.NewSecret("other")) || (auth.Secret{}).Reveal() != "" {
		t.Error("Equal or the zero value is wrong")
	}
}

func marshal(t *testing.T, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestDerivedKeysDiffer(t *testing.T) {
	key := auth.RefreshTokenKey{ID: 1, Secret: auth.NewSecret(strings.Repeat("k", auth.KeyBytes))}
	a, errA := key.Derive("a")
	b, errB := key.Derive("b")
	if errA != nil || errB != nil || len(a) != 32 || bytes.Equal(a, b) {
		t.Errorf("a %x %v, b %x %v", a, errA, b, errB)
	}
}
