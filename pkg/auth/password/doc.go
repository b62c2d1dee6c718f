// Package password turns passwords into stored hashes and back into a yes or a no.
//
// New passwords are hashed with Argon2id (RFC 9106) and stored as one PHC string, which carries its own
// parameters. A hash made with other parameters still verifies and is reported as outdated, so that a login can
// replace it. A further stored form, for hashes brought from elsewhere, is a file that implements form and a
// line in the list of forms.
//
// A password is hashed in Unicode's Normalization Form C (UAX #15): keyboards and operating systems disagree on
// whether é is one code point or two, and the owner cannot see the difference.
package password
