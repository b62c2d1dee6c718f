package password

import (
	"fmt"
	"regexp"
)

// untaken are common forms of other systems that are not accepted. Some of them can be rewritten in
// a spelling that is accepted.
var untaken = []struct {
	name string
	text string // a regular expression
	do   string // what to do
}{
	{"Werkzeug's PBKDF2", `^pbkdf2:sha(1|256):\d+\$`,
		"write pbkdf2:sha256:N$salt$hex as pbkdf2_sha256$N$salt$ and the hash in base64"},
	{"Werkzeug's PBKDF2 with SHA-512", `^pbkdf2:sha512:\d+\$`,
		"write pbkdf2:sha512:N$salt$hex as $pbkdf2-sha512$i=N$ and salt and hash in base64 without padding"},
	{"Werkzeug's scrypt", `^scrypt:\d+:\d+:\d+\$`,
		"write scrypt:N:r:p$salt$hex as scrypt$N$salt$r$p$ and the hash in base64"},
	{"better-auth", `^[0-9a-f]{32}:[0-9a-f]{128}$`,
		"write salt:hex as scrypt$16384$salt$16$1$ and the hash in base64; it then matches passwords in Unicode's NFKC"},
	{"ASP.NET Identity", `^(AQAAAA[A-Za-z0-9+/]{60,}=*|A[A-P][A-Za-z0-9+/]{64,66}=*)$`,
		"decode it, and write $pbkdf2-sha512$i=N$, or -sha256 or -sha1 as its second number says, and salt and subkey in base64 without padding"},
	{"phpass", `^\$[PH]\$`, "import the user without a hash, and let them set a new password"},
	{"WordPress's bcrypt", `^\$wp\$2y\$`, "import the user without a hash, and let them set a new password"},
	{"Keycloak", `^\{.*"(hashIterations|secretData|credentialData|value)"`,
		"write $pbkdf2-sha512$i=N$, or -sha256 as its algorithm says, and salt and value in base64 without padding"},
	{"Spring Security's {bcrypt}", `^\{bcrypt\}`, "remove {bcrypt}, and keep the text that begins with $2"},
	{"Spring Security or LDAP", `^\{[A-Za-z0-9@_.-]+\}`,
		"import the user without a hash, and let them set a new password"},
	{"Argon2i or Argon2d", `^\$argon2[id]\$`, "import the user without a hash, and let them set a new password"},
	{"crypt of Unix", `^\$(1|5|6|7|y|md5|sha1)\$`, "import the user without a hash, and let them set a new password"},
	{"PHP's bcrypt with the sign-extension bug", `^\$2x\$`, "import the user without a hash, and let them set a new password"},
	{"a digest without the name of its algorithm", `^([0-9a-fA-F]{32}|[0-9a-fA-F]{40}|[0-9a-fA-F]{64}|[0-9a-fA-F]{128})$`,
		"if it is MD5 without a salt, write md5$$ and the digest in lower case; sha1$$, sha256$$ and sha512$$ are alike"},
}

// refused returns an error that names the form of stored and what to do, or nil if untaken does not
// list the form. It does not repeat stored. It compiles the expressions at each call, because a
// login almost never needs them.
func refused(stored string) error {
	for _, f := range untaken {
		if regexp.MustCompile(f.text).MatchString(stored) {
			return fmt.Errorf("%w: the form of %s is not accepted; %s", ErrMalformed, f.name, f.do)
		}
	}
	return nil
}
