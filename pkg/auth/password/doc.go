// Package password turns passwords into stored hashes and back into a yes or a no.
//
// New passwords are hashed with Argon2id (RFC 9106) and stored as one PHC string, which carries its own
// parameters. A hash made with other parameters still verifies and is reported as outdated, so that a login can
// replace it. So do the hashes of other systems (Forms), which come in with an import: what is too weak to keep is
// wrapped in Argon2id on the way (Wrap). A further form is a file and a line in the list of forms.
//
// A password is hashed in Unicode's Normalization Form C (UAX #15): keyboards and operating systems disagree on
// whether é is one code point or two, and the owner cannot see the difference. Other systems hashed what they
// received, and so their hashes are verified against that.
//
// bcrypt sees no more than 72 bytes of a password. A longer password logs in as it did before the import, and so does
// any other with the same beginning; such a match never replaces the stored hash (Result.Partial).
package password
