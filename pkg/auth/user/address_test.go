package user_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/user"
)

func TestCheckEmail(t *testing.T) {
	for _, text := range []string{
		"ada@example.com", " Ada@Example.com ", "a@b", "a.da+x@mail.example.com", "o'brien@example.ie", "#$&'*+-/?=^_`{|}~@example.com",
		"zoë@dömäin.example", "用户@例え.テスト", "a@xn--dmin-moa0i.example", "a@1.2.example", strings.Repeat("a", 64) + "@example.com",
		"a@" + strings.Repeat("b", 63) + ".example", "हिन्दी@उदाहरण.परीक्षा",
	} {
		if err := user.CheckEmail(text); err != nil {
			t.Errorf("%s: %v", text, err)
		}
	}
	refused := []string{
		"victim@example.com,attacker@evil.example", `"a"@b@c.example`, "<x@example.com>", "mailto:x@example.com",
		"=?utf-8?q?victim=40example.com?=@evil.example", "=?x?=@example.com", "x@-bad-.example", "x@bad-.example", "x@example..com",
		"x@example.com.", "x@.example.com", ".x@example.com", "x.@example.com", "x..y@example.com", "a@b@c.example", `"a b"@example.com`,
		`"a"@example.com`, "a\\b@example.com", "x@[192.0.2.1]", "x@exa_mple.com", "x%evil.example@example.com", "evil.example!x@example.com", "x@example.com>", "x(comment)@example.com", "x@example.com;y",
		"x:y@example.com", "x@🐎.example", "x@s\u0130te.example", "x@stra\u1e9ee.example", strings.Repeat("a", 65) + "@example.com", "a@" + strings.Repeat("b", 64) + ".example", "", "@", "a@",
	}
	d := newDirectory(t)
	for _, text := range refused {
		if err := user.CheckEmail(text); !errors.Is(err, user.ErrEmail) {
			t.Errorf("%s: %v", text, err)
		}
		if _, err := d.Add(t.Context(), text, auth.NewSecret("correct horse battery"), nil); !errors.Is(err, user.ErrEmail) {
			t.Errorf("%s is added: %v", text, err)
		}
		if _, err := d.ChangeEmail(t.Context(), d.ada.ID, text); !errors.Is(err, user.ErrEmail) {
			t.Errorf("%s is changed to: %v", text, err)
		}
		if _, err := d.Import(t.Context(), user.User{Email: text, Password: d.ada.Password}); !errors.Is(err, user.ErrEmail) && text != "" {
			t.Errorf("%s is imported: %v", text, err)
		}
	}
}
