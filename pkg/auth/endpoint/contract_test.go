package endpoint_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/edgeauth/edgeauth/internal/route"
	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/endpoint"
	"github.com/edgeauth/edgeauth/pkg/auth/flow"
	"github.com/edgeauth/edgeauth/pkg/auth/gateway"
	"github.com/edgeauth/edgeauth/pkg/auth/login"
	"github.com/edgeauth/edgeauth/pkg/auth/service"
	"github.com/edgeauth/edgeauth/pkg/auth/session"
	"github.com/edgeauth/edgeauth/pkg/auth/user"
)

// cause prepares a harness and returns a request that gets a certain answer. The harness has an
// open session, whose tokens are access and refresh.
type cause func(h *harness, access, refresh string) (request string)

// fixed is a cause that needs no preparation.
func fixed(request string) cause {
	return func(*harness, string, string) string { return request }
}

// deny is a login step of a deployment that denies if the harness is told to.
func deny(denied *bool) func(*service.Settings) {
	return func(s *service.Settings) {
		s.Steps.After = func(context.Context, login.Credentials, login.Result) ([]string, error) {
			if *denied {
				return nil, &login.Denial{Code: "second_factor_required", Description: "send one_time_code"}
			}
			return nil, nil
		}
	}
}

// usersFail is an outage or a fault of the store of users; sessionsFail is an outage of the store
// of sessions.
func usersFail(err error, request string) cause {
	return func(h *harness, _, _ string) string { h.users.fail = err; return request }
}

func sessionsFail(request func(refresh string) string) cause {
	return func(h *harness, _, refresh string) string {
		h.sessions.fail = auth.ErrUnavailable
		return request(refresh)
	}
}

// TestEveryAnswer causes every answer of docs/http.md, and checks that the page has exactly the
// answers that were caused: a row for an answer that never occurs is as wrong as an answer without
// a row. harness.send compares each answer with the page, in this test and in all other tests of
// the package, and checks that each error has the id of its request.
func TestEveryAnswer(t *testing.T) {
	var denied bool
	fault := errors.New("table edgeauth-users")
	others := endpoint.Clients{}
	long := strings.Repeat("x", 8193)
	change := changeBody(secret, nextSecret)
	form := func(refresh string) string { return formOf(refresh, "") }
	logout := func(refresh string) string { return logoutForm + "token=" + refresh }

	causes := map[string][]cause{
		"POST /auth/login": {
			fixed(loginJSON + credentials),
			fixed(loginJSON + `{}`),
			fixed(loginJSON + `{"email":"` + email + `","password":"wrong"}`),
			func(h *harness, _, _ string) string {
				h.changeUser(t, func(u *user.User) { u.MustChange = true })
				return loginJSON + credentials
			},
			fixed(loginFrom("", cookieBody)),
			func(*harness, string, string) string { denied = true; return loginJSON + credentials },
			fixed(loginJSON + long),
			fixed("POST /auth/login\n\n" + credentials),
			func(h *harness, _, _ string) string {
				for range login.DefaultLimits().Account.Free {
					h.send(t, loginJSON+`{"email":"`+email+`","password":"wrong"}`)
				}
				return loginJSON + credentials
			},
			usersFail(fault, loginJSON+credentials),
			usersFail(auth.ErrUnavailable, loginJSON+credentials),
		},
		"POST /auth/refresh": {
			func(_ *harness, _, refresh string) string { return formOf(refresh, "") },
			func(_ *harness, _, refresh string) string { return refreshJSON + `{"refresh_token":"` + refresh + `"}` },
			fixed(refreshForm),
			fixed(refreshForm + "grant_type=password"),
			func(_ *harness, _, refresh string) string { return formOf(refresh, "&scope=admin") },
			func(h *harness, _, refresh string) string {
				// The session's client is no longer configured.
				h.replace(t, "/auth/refresh")(endpoint.Refresh(h.Responder(), h.manager(t, others)))
				return formOf(refresh, "")
			},
			func(_ *harness, _, refresh string) string { return formOf(refresh, "&client_id=web") },
			fixed(formOf("ert_x", "")),
			fixed(refreshForm + long),
			fixed("POST /auth/refresh\n\n"),
			func(h *harness, _, refresh string) string {
				h.changeUser(t, func(u *user.User) { u.Roles = []string{strings.Repeat("x", 8000)} }) // too long for a token
				return form(refresh)
			},
			sessionsFail(form),
			func(_ *harness, _, refresh string) string {
				return inHead(formOf(refresh, ""), "Cookie: __Host-Http-refresh=x\n")
			},
			func(h *harness, _, _ string) string {
				_, refresh := h.send(t, inHead(loginJSON+credentials, "User-Agent: Firefox\n")).tokens(t)
				return inHead(form(refresh), "User-Agent: curl\n")
			},
		},
		"POST /auth/logout": {
			func(_ *harness, _, refresh string) string { return logout(refresh) },
			func(_ *harness, _, refresh string) string { return logoutJSON + `{"refresh_token":"` + refresh + `"}` },
			fixed(logoutForm),
			func(_ *harness, access, _ string) string { return logout(access) },
			func(_ *harness, _, refresh string) string { return logout(refresh) + "&client_id=web" },
			fixed(logoutForm + long),
			fixed("POST /auth/logout\n\n"),
			sessionsFail(logout),
			func(_ *harness, _, refresh string) string {
				return inHead(logout(refresh), "Cookie: __Host-Http-refresh=x\n")
			},
		},
		"POST /auth/password": {
			func(_ *harness, access, _ string) string { return withBearer(access, change) },
			fixed(passwordJSON + `{}`),
			func(_ *harness, access, _ string) string { return withBearer(access, changeBody(secret, "short")) },
			fixed(passwordJSON + `{"change_token":"ect_x","new_password":"` + nextSecret + `"}`),
			func(h *harness, access, _ string) string {
				h.replace(t, "/auth/password")(h.account(others))
				return withBearer(access, change)
			},
			fixed(passwordJSON + change),
			func(_ *harness, access, _ string) string { return withBearer(access, changeBody("wrong", nextSecret)) },
			func(_ *harness, access, _ string) string {
				return withBearer(access, strings.Replace(change, "{", `{"device_delivery":"cookie",`, 1))
			},
			func(_ *harness, access, _ string) string { denied = true; return withBearer(access, change) },
			fixed(passwordJSON + long),
			fixed("POST /auth/password\n\n" + change),
			func(h *harness, access, _ string) string {
				for range login.DefaultLimits().Account.Free {
					h.send(t, withBearer(access, changeBody("wrong", nextSecret)))
				}
				return withBearer(access, change)
			},
			func(h *harness, access, _ string) string {
				h.changeUser(t, func(u *user.User) { u.Roles = []string{strings.Repeat("x", 8000)} })
				return withBearer(access, change)
			},
			func(h *harness, access, _ string) string {
				h.users.fail = auth.ErrUnavailable
				return withBearer(access, change)
			},
		},
		"POST /auth/reauth": {
			func(_ *harness, access, _ string) string { return reauthOf(access, reauthBody) },
			func(_ *harness, access, _ string) string { return reauthOf(access, `{}`) },
			func(h *harness, access, _ string) string {
				h.replace(t, "/auth/reauth")(h.account(others))
				return reauthOf(access, reauthBody)
			},
			fixed(reauthJSON + reauthBody),
			func(_ *harness, access, _ string) string { return reauthOf(access, `{"password":"wrong"}`) },
			func(h *harness, access, _ string) string {
				h.changeUser(t, func(u *user.User) { u.MustChange = true })
				return reauthOf(access, reauthBody)
			},
			func(_ *harness, access, _ string) string {
				return reauthOf(access, strings.Replace(reauthBody, "{", `{"device_delivery":"cookie",`, 1))
			},
			func(_ *harness, access, _ string) string { denied = true; return reauthOf(access, reauthBody) },
			fixed(reauthJSON + long),
			fixed("POST /auth/reauth\n\n" + reauthBody),
			func(h *harness, access, _ string) string {
				for range login.DefaultLimits().Account.Free {
					h.send(t, reauthOf(access, `{"password":"wrong"}`))
				}
				return reauthOf(access, reauthBody)
			},
			func(h *harness, access, _ string) string {
				h.changeUser(t, func(u *user.User) { u.Roles = []string{strings.Repeat("x", 8000)} })
				return reauthOf(access, reauthBody)
			},
			func(h *harness, access, _ string) string {
				h.users.fail = auth.ErrUnavailable
				return reauthOf(access, reauthBody)
			},
		},
		"POST /auth/code": {
			fixed(codeFor(email, "reset")),
			fixed(codeJSON + `{}`),
			fixed("POST /auth/code\nContent-Type: application/json\nOrigin: https://evil.example\n\n" + `{"email":"` + email + `","purpose":"login","delivery":"cookie"}`),
			fixed(codeJSON + long),
			fixed("POST /auth/code\n\n{}"),
			func(h *harness, _, _ string) string {
				for range flow.DefaultLimits().Network.Free {
					h.send(t, codeFor("x@example.com", "login"))
				}
				return codeFor(email, "login")
			},
			usersFail(auth.ErrUnavailable, codeFor(email, "login")),
		},
		"POST /auth/code/verify": {
			func(h *harness, _, _ string) string { return h.begin(t, email, "login").verify("") },
			fixed(verifyJSON + `{}`),
			func(h *harness, _, _ string) string { return h.begin(t, email, "login").with("00000000", "") },
			fixed(verifyJSON + `{"auth_session":"eas_x","code":"12345678"}`),
			func(h *harness, _, _ string) string {
				return h.begin(t, email, "reset").verify(`"new_password":"short"`)
			},
			func(h *harness, _, _ string) string {
				h.changeUser(t, func(u *user.User) { u.MustChange = true })
				return h.begin(t, email, "login").verify("")
			},
			func(h *harness, _, _ string) string {
				return h.begin(t, email, "login").verify(`"device_delivery":"cookie"`)
			},
			func(h *harness, _, _ string) string {
				denied = true
				return h.begin(t, email, "login").verify("")
			},
			fixed(verifyJSON + long),
			fixed("POST /auth/code/verify\n\n{}"),
			func(h *harness, _, _ string) string {
				h.changeUser(t, func(u *user.User) { u.Roles = []string{strings.Repeat("x", 8000)} })
				return h.begin(t, email, "login").verify("")
			},
			func(h *harness, _, _ string) string {
				request := h.begin(t, email, "login").verify("")
				h.users.fail = auth.ErrUnavailable
				return request
			},
		},
		"GET /auth/sessions": append(sessionCauses("GET /auth/sessions", ""),
			func(_ *harness, access, _ string) string { return asking("GET /auth/sessions?after=x", access) },
			fixed("GET /auth/sessions\nOrigin: https://evil.example\nCookie: __Host-Http-access=x\n\n")),
		"DELETE /auth/sessions": append(sessionCauses("DELETE /auth/sessions", ""), stale("DELETE /auth/sessions"),
			func(_ *harness, access, _ string) string { return asking("DELETE /auth/sessions?all=x", access) }),
		"PATCH /auth/sessions/{sid}": append(sessionCauses("PATCH /auth/sessions/{sid}", `{"label":"x"}`),
			func(_ *harness, access, _ string) string {
				return asking("PATCH /auth/sessions/x", access) + `{"label":"x"}`
			},
			func(_ *harness, access, _ string) string { return asking("PATCH /auth/sessions/x", access) + `{}` },
			func(_ *harness, access, _ string) string { return asking("PATCH /auth/sessions/x", access) + long },
			fixed("PATCH /auth/sessions/x\nContent-Type: text/plain\n$bearer\n\n{}")),
		"DELETE /auth/sessions/{sid}": append(sessionCauses("DELETE /auth/sessions/{sid}", ""), stale("DELETE /auth/sessions/"+session.ID{1}.String()),
			func(_ *harness, access, _ string) string { return asking("DELETE /auth/sessions/x", access) }),
		"": {fixed("GET /auth/login\n\n"), fixed("POST /auth/login/x\n\n")},
	}
	for pattern, s := range readPage(t) {
		if strings.Contains(pattern, "/.well-known/") {
			continue // the next test
		}
		var got, want []outcome
		for _, a := range s.Answers {
			want = append(want, a.outcome)
		}
		for _, prepare := range causes[pattern] {
			denied = false
			h := newHarness(t, deny(&denied), func(s *service.Settings) { s.Client.ReauthOn = []auth.Signal{auth.UserAgentChanged} })
			access, refresh := h.login(t)
			own := h.sid(t, access)
			h.clock.Advance(time.Second)
			request := prepare(h, access, refresh)
			h.send(t, strings.NewReplacer("{sid}", own, "$bearer", "Authorization: Bearer "+access).Replace(request))
			if !slices.Contains(got, h.last) {
				got = append(got, h.last)
			}
		}
		if pattern == "" {
			got = append(got, panicked(t))
		}
		for _, o := range want {
			if !slices.Contains(got, o) {
				t.Errorf("docs/http.md, %q: nothing causes the answer %v", pattern, o)
			}
		}
		if len(got) != len(want) {
			t.Errorf("docs/http.md, %q: the answers are %v\nwant %v", pattern, want, got)
		}
	}
}

// sessionCauses are the causes that all requests of the list of sessions share.
func sessionCauses(pattern, body string) []cause {
	send := func(access string) string { return asking(pattern, access) + body }
	return []cause{
		func(_ *harness, access, _ string) string { return send(access) },
		func(h *harness, access, _ string) string {
			h.changeUser(h.t, func(u *user.User) { u.TokenVersion++ })
			return send(access)
		},
		func(h *harness, access, _ string) string { h.users.fail = auth.ErrUnavailable; return send(access) },
		func(_ *harness, access, _ string) string {
			return inHead(send(access), ownPage+"Cookie: __Host-Http-access=x\n")
		},
		func(_ *harness, access, _ string) string {
			return inHead(send(access), "Cookie: __Host-Http-access="+access+"\n")
		},
	}
}

// inHead adds headers to a request.
func inHead(request, headers string) string {
	return strings.Replace(request, "\n\n", "\n"+headers+"\n", 1)
}

// stale is a request whose login is not recent.
func stale(line string) cause {
	return func(h *harness, _, refresh string) string {
		h.clock.Advance(time.Hour)
		return asking(line, h.fresh(h.t, refresh))
	}
}

// panicked returns the answer of a function whose handler panics.
func panicked(t *testing.T) outcome {
	t.Helper()
	function := gateway.Handler(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic("a mistake") }))
	var event events.APIGatewayV2HTTPRequest
	event.RawPath, event.RequestContext.HTTP.Method = "/auth/refresh", "POST"
	answer, err := function(t.Context(), event)
	if err != nil {
		t.Fatal(err)
	}
	w := httptest.NewRecorder()
	w.WriteHeader(answer.StatusCode)
	w.WriteString(answer.Body)
	isDocumented(t, "", w)
	return outcomeOf(w)
}

// TestEveryAnswerOfDiscovery does the same for the public documents.
func TestEveryAnswerOfDiscovery(t *testing.T) {
	h := newHarness(t)
	functions, err := h.Handlers(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range route.Table() {
		if row.Function != "discovery" {
			continue
		}
		var got, want []outcome
		for _, a := range readPage(t)[row.Pattern].Answers {
			want = append(want, a.outcome)
		}
		for _, tag := range []string{`"x"`, "*"} {
			r := httptest.NewRequest(row.Method(), row.Path(), nil)
			r.Header.Set("If-None-Match", tag)
			w := httptest.NewRecorder()
			functions["discovery"].ServeHTTP(w, r)
			isDocumented(t, row.Pattern, w)
			got = append(got, outcomeOf(w))
		}
		if !slices.Equal(got, want) {
			t.Errorf("docs/http.md, %s: the answers are %v\nwant %v", row.Pattern, want, got)
		}
	}
}

// TestDocumentedFields compares the fields of the page with the fields that the endpoints read. A
// field must be a string or a boolean.
func TestDocumentedFields(t *testing.T) {
	h := newHarness(t)
	names := fieldNames(t)
	for _, row := range route.Table() {
		s := readPage(t)[row.Pattern]
		if row.Function == "discovery" {
			if len(s.Fields) > 0 || s.Types != "" {
				t.Errorf("docs/http.md, %s: it reads no body", row.Pattern)
			}
			continue
		}
		line, bearer := row.Pattern, ""
		if isListed(row) {
			access, _ := h.login(t)
			line, bearer = strings.ReplaceAll(row.Pattern, "{sid}", h.sid(t, access)), "\nAuthorization: Bearer "+access
		}
		if s.Types == "" {
			if got := h.send(t, line+bearer+"\nContent-Type: text/plain\n\nno JSON"); got.status != http.StatusOK {
				t.Errorf("docs/http.md, %s: it reads no body, but the answer to one is %s", row.Pattern, got.text)
			}
			continue
		}
		head := line + bearer + "\nContent-Type: application/json\n\n"
		reads := map[string]bool{}
		for _, name := range names {
			if got := h.send(t, head+with(s, name)); strings.Contains(got.body, name+" must be a string") || strings.Contains(got.body, name+" must be true or false") {
				reads[name] = true
			}
		}
		takesForm := !strings.Contains(h.send(t, line+bearer+"\nContent-Type: application/x-www-form-urlencoded\n\nx=1").body, "unsupported_media_type")
		want := "Body: JSON"
		if takesForm {
			want = "Body: JSON or form"
		}
		if s.Types != want {
			t.Errorf("docs/http.md, %s: %q, want %q", row.Pattern, s.Types, want)
		}
		for _, f := range s.Fields {
			if reads[f.Name] != (f.JSON != "–") {
				t.Errorf("docs/http.md, %s: JSON has the field %s: %s, but it is read: %v", row.Pattern, f.Name, f.JSON, reads[f.Name])
			}
			delete(reads, f.Name)
			if !takesForm && f.Form != "–" {
				t.Errorf("docs/http.md, %s: a form has the field %s, but no form is taken", row.Pattern, f.Name)
			}
			for language, needed := range map[string]string{"json": f.JSON, "x-www-form-urlencoded": f.Form} {
				if needed != "required" {
					continue
				}
				if got := h.send(t, line+bearer+"\nContent-Type: application/"+language+"\n\n"+without(s, f.Name, language)); got.status != 400 ||
					!strings.Contains(got.body, "required") || !strings.Contains(got.body, f.Name) {
					t.Errorf("docs/http.md, %s: %s is required in %s, but without it the answer is %s", row.Pattern, f.Name, language, got.text)
				}
			}
		}
		for name := range reads {
			t.Errorf("docs/http.md, %s: no row for the field %s", row.Pattern, name)
		}
	}
}

// with returns a JSON body with all required fields, and a number in one field.
func with(s *section, name string) string {
	members := []string{`"` + name + `":1`}
	for _, f := range s.Fields {
		if f.Name != name && (f.JSON == "required" || strings.HasPrefix(f.JSON, "this or ") && f.Name == "current_password") {
			members = append(members, `"`+f.Name+`":"x"`)
		}
	}
	return "{" + strings.Join(members, ",") + "}"
}

// without returns a body with all required fields of a section except one.
func without(s *section, name, language string) string {
	var members []string
	for _, f := range s.Fields {
		switch {
		case f.Name == name:
		case language == "json" && f.JSON == "required":
			members = append(members, `"`+f.Name+`":"x"`)
		case language != "json" && f.Form == "required":
			members = append(members, f.Name+"="+map[bool]string{true: "refresh_token", false: "x"}[f.Name == "grant_type"])
		}
	}
	if language == "json" {
		return "{" + strings.Join(members, ",") + "}"
	}
	return strings.Join(members, "&")
}

// fieldNames returns every string in the code of this package that could be the name of a field.
func fieldNames(t *testing.T) (names []string) {
	t.Helper()
	for _, file := range codeOf(t) {
		for _, m := range regexp.MustCompile(`"([a-z_]{2,})"`).FindAllStringSubmatch(file, -1) {
			names = append(names, m[1])
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}
