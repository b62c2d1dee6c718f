// Package auth holds the words that every part of edgeauth speaks, and nothing that acts.
//
// # What a token is
//
// A login answers with two tokens that have opposite duties.
//
// The access token is a JWT (RFC 9068) that lives for minutes. Whoever holds the public keys can check it: the
// authorizer does so from its own memory, with no network and no database, on every request. Nobody can take it
// back before it ends, which is why it ends soon.
//
// The refresh token is an opaque text that lives for days. It is good for one thing: the next pair of tokens.
// It carries a random secret that only the client holds. The server keeps a hash of that secret as the name of a
// session, so the table opens nothing for whoever reads it. Each use moves the session on by one generation,
// and that is how a copy betrays itself: two holders must, sooner or later, go different ways.
//
// # Who checks what, and where state lives
//
//	client ── access token ──> API Gateway ── authorizer ──> backend     a signature; no state, no I/O
//	client ── password ──────> login   ── users, sessions                a password hash, then one session written
//	client ── refresh token ─> refresh ── sessions, users                a MAC, then one conditional write
//
// State is three tables: users, sessions, and the counters of failed logins. A session is one item for its whole
// life. It ends by its idle timeout, by its absolute timeout, by a logout, or because its user was disabled or
// changed the password; an ended one is marked and never comes back.
//
// # Where to read on
//
// The rules by which a session moves are values, in package session: session.Rules says which conditional write a
// refresh is, and what the item found means. Every store only carries such writes out, and package storetest
// holds each store to the rules. Package token issues and verifies access tokens; it accepts exactly one spelling
// of each. Package login decides who may open a session. Package endpoint speaks HTTP, package authorizer speaks
// API Gateway's authorizer events, and package service fits the parts together.
//
// Someone who brings their own login implements session.Subjects and calls session.Manager.Open.
package auth
