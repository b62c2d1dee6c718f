package mail

import "github.com/edgeauth/edgeauth/pkg/auth"

// Kind is the kind of a message.
type Kind string

// The set of kinds is closed.
const (
	KindNone   Kind = "none"   // no mail is sent
	KindSignup Kind = "signup" // the code of a sign-up
	KindLogin  Kind = "login"  // the code of a login
	KindReset  Kind = "reset"  // the code of a reset
	KindTaken  Kind = "taken"  // the address has an account already; no code
)

// kinds says which kinds have a code.
var kinds = map[Kind]bool{KindNone: false, KindSignup: true, KindLogin: true, KindReset: true, KindTaken: false}

// Message is a message for a sender. It is handed over in every case, even with [KindNone], so that
// the time of an answer does not tell whether a mail is sent.
type Message struct {
	Kind Kind
	// To is the address as the user's record has it, not as the request spells it: two addresses
	// with one key may be two mailboxes. It is empty for KindNone.
	To        string
	Code      auth.Secret // 8 digits; empty unless the kind has a code
	Reference string      // four letters, as the page shows them
	// Locale is a language tag such as de or pt-BR (RFC 5646), or a list of tags in the order of
	// preference as in the header Accept-Language. It may be any text of a client, because it only
	// selects one of the languages of the templates.
	Locale string
}
