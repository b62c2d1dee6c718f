package mail

import (
	"context"
	"fmt"
)

// Mail is a rendered message. Only Text and HTML may contain line feeds.
type Mail struct {
	From, Name, ReplyTo string // Name is shown beside From; it and ReplyTo may be empty
	// To has its domain as A-labels. The part before the @ is as the owner writes it, and may
	// contain letters outside ASCII.
	To         string
	Locale     string // of the texts
	Subject    string
	Text, HTML string
}

// Sender sends mails. Implementations are safe for concurrent use.
type Sender interface {
	// Send hands a mail to the next server. The error is a [*Failure].
	Send(ctx context.Context, m Mail) error
}

// Reason says why a mail was not sent.
type Reason string

// The set of reasons is closed.
const (
	ReasonSuppressed  Reason = "suppressed"  // an earlier mail to the address bounced, or its owner complained
	ReasonAddress     Reason = "address"     // mail cannot be sent to the address, or its server refuses it
	ReasonSandbox     Reason = "sandbox"     // the account of SES sends to verified addresses only
	ReasonContent     Reason = "content"     // the server refuses the mail itself
	ReasonSender      Reason = "sender"      // the server refuses this sender: its address, its permission or its password
	ReasonThrottled   Reason = "throttled"   // too many mails at the moment
	ReasonUnreachable Reason = "unreachable" // no answer, or a temporary refusal
)

// The reasons that a mail server reports later.
const (
	ReasonBounce     Reason = "bounce"      // the address takes no mails; it is suppressed from now on
	ReasonSoftBounce Reason = "soft_bounce" // the mail did not arrive, for example because the mailbox is full
	ReasonComplaint  Reason = "complaint"   // the owner called it spam; the address is suppressed from now on
)

// Failure is the error of a mail that was not sent, or may not have been sent.
type Failure struct {
	Reason Reason
	// Detail is the code of the server's answer, such as 550 5.1.1 or MessageRejected. It is safe
	// to log. The texts of servers are not, because they contain addresses.
	Detail string
}

// Error returns the reason and the detail, without any address.
func (f *Failure) Error() string {
	if f.Detail == "" {
		return fmt.Sprintf("mail: not sent: %s", f.Reason)
	}
	return fmt.Sprintf("mail: not sent: %s (%s)", f.Reason, f.Detail)
}

// Temporary reports whether a later attempt may succeed without a change of the address, the
// content or the configuration.
func (f *Failure) Temporary() bool {
	return f.Reason == ReasonThrottled || f.Reason == ReasonUnreachable
}
