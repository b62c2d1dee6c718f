package mail

import "github.com/edgeauth/edgeauth/pkg/auth"

// Kind is what a mail says.
type Kind string

// The set of kinds is closed.
const (
	KindNone   Kind = "none"   // no mail is to leave
	KindSignup Kind = "signup" // the code of a sign-up
	KindLogin  Kind = "login"  // the code of a login
	KindReset  Kind = "reset"  // the code of a reset
	KindTaken  Kind = "taken"  // you have an account already; without a code
)

// kinds says which kinds have a code.
var kinds = map[Kind]bool{KindNone: false, KindSignup: true, KindLogin: true, KindReset: true, KindTaken: false}

// Message is what a sender must be told. It is handed over in every case, also with [KindNone], so
// that the time of an answer does not tell whether a mail leaves.
type Message struct {
	Kind Kind
	// To is the address as the user has it, not as the request spells it: two addresses with one key
	// may be two mailboxes. It is empty for KindNone.
	To        string
	Code      auth.Secret // 8 digits; empty unless the kind has a code
	Reference string      // four letters, as the page shows them
	// Locale is a language tag such as de or pt-BR (RFC 5646), or a list of tags in the order of
	// preference as in the header Accept-Language. It may be any text of a client: it only chooses among
	// the languages of the templates.
	Locale string
}
