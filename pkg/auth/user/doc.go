// Package user manages user accounts: creating, finding, changing, importing and deleting users. It
// also normalises e-mail addresses and defines [Store], the interface that a store of users must
// implement. A [Directory] works on any Store:
//
//	users := user.Directory{Store: db.Users(), Hasher: &password.Hasher{}}
//	ada, err := users.Add(ctx, "ada@example.com", secret, []string{"admin"})
//
// A user's key is the subject, which never changes. A [Pointer] is a second name that leads to the
// subject. Pointers exist for e-mail addresses, identities of outside issuers, credentials and API
// keys. Each pointer is unique among all users. A user may have no pointer.
//
// The pointer for an e-mail address is its normalised form. Mail always goes to the address as its
// owner entered it. If two addresses share a normalised form, neither owner receives the other's
// mail.
package user
