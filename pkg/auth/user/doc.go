// Package user holds the accounts: who they are, how an e-mail address becomes a key, and what a store of them
// must do.
//
// A user is keyed by the subject, which never changes. The e-mail is a pointer to it, unique by its normalised
// form; mail always goes to the address as its owner gave it, so that two addresses which share a key can never
// receive each other's mail.
package user
