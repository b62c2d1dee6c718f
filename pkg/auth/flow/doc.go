// Package flow creates accounts, logs users in and resets passwords by codes that are sent by mail.
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
// A flow has a random id of 16 bytes. Only the client has it, inside the auth_session. The store
// has one item for each flow, under the hash of the id. The item holds the HMAC of id and code, and
// the address, encrypted under a key derived from the id. A dump of all tables together with all
// keys therefore reveals neither a code nor an address.
//
// # The order is the defence
//
//	Begin:   the network's request ──┐     the address's mail ─┐
//	         pointer of the e-mail ──┴────> user ──────────────┴─> flow
//	Verify:  count the try ─> compare ─> user ─> gate ─> spend ─> account, proof or password
//
// Begin does the same work whether or not the address has an account. If no mail is sent, the flow
// stores the HMAC of a text that cannot equal a code. Verify counts a try before it compares, so
// parallel answers get three tries in total. It spends the flow before the effect, so a code works
// once.
//
// Every correct code passes the gate of all logins, [login.Authenticator.Admit].
//
// # How many guesses, and how many mails
//
// A flow has three tries at a code of eight digits, and [Limits] bounds the flows of an address.
// Mails to a known device, mails to an address and sign-up mails have separate counters, so that a
// stranger never uses up the mails of an owner.
package flow
