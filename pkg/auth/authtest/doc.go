// Package authtest is for the tests of an API that edgeauth protects: it issues valid and invalid
// tokens, and runs edgeauth's endpoints in the test's own process.
//
//	func TestOrders(t *testing.T) {
//		a := authtest.New(t, authtest.Config{})
//		api := NewAPI(a.Issuer, a.Audience, a.JWKS()) // the API under test
//
//		r := httptest.NewRequest("GET", "/orders", nil)
//		r.Header.Set("Authorization", "Bearer "+a.Token("ada"))
//		w := httptest.NewRecorder()
//		api.ServeHTTP(w, r) // want 200
//
//		for _, bad := range a.BadTokens("ada") {
//			r.Header.Set("Authorization", "Bearer "+bad.Text)
//			w := httptest.NewRecorder()
//			if api.ServeHTTP(w, r); w.Code != http.StatusUnauthorized {
//				t.Errorf("%s: %d; %s", bad.Name, w.Code, bad.Why)
//			}
//		}
//	}
//
// # Tokens
//
// [Authority.Token] issues the same tokens as a deployment, through the same code.
// [Authority.BadTokens] differ from a valid token in one way each, and name the reason for which
// edgeauth refuses them. [Authority.Sign] signs any other header and payload. An API that fetches
// its keys by URL needs [NewServer], whose Issuer is the address of a running server.
//
// # Accounts and sessions
//
// [Authority.AddUser] creates an account with the password [Password], and [Authority.Login] logs
// it in. [Authority.Users] changes accounts as an operator does, and [Authority.Service] has the
// sessions of the deployment. Both use the time of [Authority.Clock], which a test moves:
//
//	a.AddUser("ada@example.com", "admin")
//	access, refresh := a.Login("ada@example.com")
//	a.Clock.Advance(15 * time.Minute) // access has expired; refresh is valid
//
// # What is real
//
// The parts are the same as in a deployment, with three exceptions. The clock stands still until
// the test moves it. The store is a file in the test's temporary folder, and its writes do not wait
// for the disk. Passwords are stored under a hash that costs no time.
//
// The package does not work in production. New takes a testing.TB, which only package testing
// makes. The keys exist in the memory of one process. The stored hashes begin with "authtest-only",
// and package password refuses them.
package authtest
