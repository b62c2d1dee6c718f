// Package auth is the vocabulary of edgeauth: the types that its packages share.
//
//	subject := auth.SubjectID("1b671a64-40d5-491e-99b0-da01ff1f3341")
//	principal, ok := auth.PrincipalFrom(ctx) // in a backend behind the authorizer
//
// # What a token is
//
// A login answers with two tokens that have opposite duties.
//
// The access token is a JWT (RFC 9068) that lives for minutes. Every holder of the public keys can
// check it. The authorizer does so from its own memory on every request, with no network and no
// database. No server can revoke it, so its lifetime is short. For the few routes on which even
// that is too late, the session authorizer also reads the session, and the token ends with the
// session. In its mode revocations it reads the ended sessions every few seconds, and the token
// ends seconds later.
//
// The refresh token is opaque and lives for days. It has one use: to get the next pair of tokens.
// It carries a random secret that only the client holds. The server keeps a hash of the secret as
// the id of a session, so a reader of the table can open no session. Each use moves the session on
// by one generation. This is how a copied token is detected: sooner or later, two holders present
// different generations.
// later, go different ways.
//
// # Who checks what, and where state lives
//
//	client ── access token ──> API Gateway ── authorizer ──> backend     a signature; no state, no I/O
//	client ── password ──────> login   ── users, sessions                a password hash, then one session written
//	client ── refresh token ─> refresh ── sessions, users                a MAC, then one conditional write
//
// State is three tables: users, sessions, and the counters of failed logins. A session is one item
// for its whole life. It ends by its idle timeout, by its absolute timeout, by a logout, or because
// its user was disabled or changed the password. An ended session is marked and never comes back.
//
// # Where to read on
//
// The rules of sessions are values, in package session: session.Rules says which
// conditional write a refresh is, and what the item found means. A store only carries such writes
// out, and package storetest holds each store to the rules. Package token issues and verifies
// access tokens, and accepts one spelling of each. All opaque tokens have one codec, with a MAC.
// Package login decides who may open a session, and package throttle counts the attempts. Package
// endpoint speaks HTTP, package authorizer speaks API Gateway's authorizer events, and package
// service fits the parts together.
//
// A program with its own login serves endpoint.Responder.Opens.
package auth
