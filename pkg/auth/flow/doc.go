// Package flow makes accounts, logs in and resets passwords by codes that are sent by mail.
//
//	flows, err := flow.New(flow.Config{
//		Store: db.Flows(), Users: directory, Gate: authenticator, Counters: db.Counters(), Keys: keys,
//		SignUp: flow.SignUp{Admit: flow.AdmitAll},
//	})
//	begun, err := flows.Begin(ctx, flow.Request{Purpose: flow.PurposeReset, Client: "web", Email: email, Address: address})
//	send(begun.Message) // also if its kind is [mail.KindNone]
//	// The answer is begun.Session, begun.Reference and begun.ExpiresIn. Later, with the code of the mail:
//	verified, err := flows.Verify(ctx, flow.Answer{Session: session, Code: code, Client: "web", NewPassword: password})
//	// Open a session for verified.User.
//
// # What a server holds opens nothing
//
// A flow has a random id of 16 bytes. It is at the client alone, inside the auth_session. The store has
// one item for each flow, under the hash of the id: the HMAC of id and code, and the address, encrypted
// under a key made from the id. A dump of all tables together with all keys therefore gives neither a
// code nor an address.
//
// # The order is the defence
//
//	Begin:   the network's request ──┐     the address's mail ─┐
//	         pointer of the e-mail ──┴────> user ──────────────┴─> flow
//	Verify:  count the try ─> compare ─> user ─> gate ─> spend ─> account, proof or password
//
// Begin does the same work whether or not the address has an account. If no mail leaves, the flow has
// the HMAC of a text that is no code. Verify counts a try before it compares, so parallel tries find
// three, and it spends the flow before the effect, so no code is used twice.
//
// Every right code passes the gate of all logins, [login.Authenticator.Admit].
//
// # How many guesses, and how many mails
//
// A flow has three tries at a code of eight digits, and [Limits] bound the flows of an address. Mails
// have three classes with counters of their own, so that a stranger never uses up the mails of an
// owner: those on a known device, those to an address, and sign-ups.
package flow
