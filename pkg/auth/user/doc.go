// Package user holds the accounts: who they are, what leads to them, how an e-mail address becomes a key, and what a
// store of them must do.
//
// A user is keyed by the subject, which never changes. Pointers lead to it, each unique among all users: from the e-mail,
// from the identities of outside issuers, from credentials and from API keys. A user may have none of them. The pointer
// from an e-mail is its normalised form; mail always goes to the address as its owner gave it, so that two addresses
// which share a key can never receive each other's mail.
package user
