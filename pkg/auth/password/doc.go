// Package password hashes passwords for storage and verifies passwords against stored hashes.
//
//	var hasher password.Hasher
//	if err := password.CheckNew(chosen); err != nil {
//		return err // the password is too short (want at least 8 characters)
//	}
//	stored, err := hasher.Hash(chosen)
//	// at a login:
//	result, err := hasher.Verify(stored, given) // result.Match, result.Outdated
//
// New passwords are hashed with Argon2id (RFC 9106). The result is one PHC string, which contains
// its parameters. A hash with other parameters still verifies; [Result] reports it as outdated, so
// that a login can replace it. The hashes of other systems also verify and are also outdated. They
// enter by an import, and [Hasher.Wrap] wraps a hash in Argon2id if it is too weak to keep. To add
// a form, write a file and add a line to the list of forms.
//
// A password is hashed in Unicode's Normalization Form C (UAX #15). Keyboards and operating systems
// disagree on whether é is one code point or two, and the user cannot see the difference. Other
// systems hashed the password as it was received, so their hashes are verified against the received
// password.
//
// bcrypt reads only 72 bytes of a password. A longer password logs in as it did before the import,
// and so does every other password with the same beginning. Such a match never replaces the stored
// hash ([Result].Partial).
package password
