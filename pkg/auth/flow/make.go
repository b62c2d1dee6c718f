package flow

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/mail"
)

// kind returns the kind of the mail, or why no mail may be sent.
func (x *beginning) kind() (mail.Kind, Hold) {
	switch {
	case x.held != "":
		return mail.KindNone, x.held
	case x.Purpose == PurposeSignup && x.known:
		return mail.KindTaken, ""
	case x.Purpose == PurposeSignup:
		return mail.KindSignup, ""
	case !x.known:
		return mail.KindNone, HoldUnknown
	case x.user.Disabled:
		return mail.KindNone, HoldDisabled
	case x.Purpose == PurposeReset:
		return mail.KindReset, ""
	}
	return mail.KindLogin, ""
}

// store creates the flow under the current key and stores it.
func (x *beginning) store(ctx context.Context) (Begun, error) {
	key, err := x.m.Keys.SealingKey(ctx)
	if err != nil {
		return Begun{}, fmt.Errorf("reading the login keys: %w", err)
	}
	account, err := x.m.Gate.Reference(ctx, x.Email)
	if err != nil {
		return Begun{}, err
	}
	b, err := x.make(ctx, key)
	b.Account, b.taken = account, x.taken
	return b, err
}

// make creates the flow under the given key and stores it.
func (x *beginning) make(ctx context.Context, key auth.LoginKey) (Begun, error) {
	o := opening{Purpose: x.Purpose, Client: x.Client, IssuedAt: x.at}
	if _, err := io.ReadFull(x.m.Rand, o.ID[:]); err != nil {
		return Begun{}, fmt.Errorf("reading random bytes: %w", err)
	}
	b := Begun{Reference: o.ID.reference(), ExpiresIn: Lifetime, Class: x.class, Subject: x.user.ID}
	var err error
	if b.Message, b.Held, err = x.message(b.Reference); err != nil {
		return Begun{}, err
	}
	f, err := x.flow(o, key, b.Message.Code.Reveal())
	if err != nil {
		return Begun{}, err
	}
	if b.Session, err = o.seal(key); err != nil {
		return Begun{}, err
	}
	if err := x.m.Store.Create(ctx, o.ID.key(), f); err != nil {
		return Begun{}, fmt.Errorf("store the flow: %w", err)
	}
	return b, nil
}

// maxLocaleBytes bounds the locale of a user. RFC 5646, section 4.4.1, requires support for at
// least 35 characters.
const maxLocaleBytes = 35

// message returns the message for the sender and, if it is [mail.KindNone], the reason.
func (x *beginning) message(reference string) (mail.Message, Hold, error) {
	kind, held := x.kind()
	msg := mail.Message{Kind: kind, Reference: reference, Locale: x.Locale}
	if locale, ok := x.user.Claims["locale"].(string); ok && len(locale) <= maxLocaleBytes {
		msg.Locale = locale
	}
	if msg.Kind != mail.KindNone {
		msg.To = x.person().Address
	}
	if msg.Kind == mail.KindNone || msg.Kind == mail.KindTaken {
		return msg, held, nil
	}
	code, err := newCode(x.m.Rand, x.m.digits)
	msg.Code = auth.NewSecret(code)
	return msg, held, err
}

// person returns the user or the new address that the flow is about.
func (x *beginning) person() person {
	p := person{Address: strings.TrimSpace(x.Email), Receipt: x.sent.Receipt()}
	if x.handed {
		p.Handed = handed
	}
	if x.invite != (id{}) {
		p.Invite = string(x.invite[:])
	}
	if x.known {
		p.Address, p.Subject, p.TokenVersion = x.user.Email, x.user.ID, x.user.TokenVersion
	}
	return p
}

// flow returns the item of a flow. Without a code, no answer can match.
func (x *beginning) flow(o opening, key auth.LoginKey, code string) (f Flow, err error) {
	f = Flow{
		Purpose: o.Purpose, Client: o.Client, TriesLeft: Tries, Ends: o.IssuedAt.Add(Lifetime).UTC().Truncate(time.Millisecond),
	}
	f.Expires = f.Ends.Add(slack).Truncate(time.Second)
	if code == "" {
		if code, err = noCode(x.m.Rand); err != nil {
			return f, err
		}
	}
	if f.Code, err = codeMAC(key, o.ID, code); err != nil {
		return f, err
	}
	f.Person, err = x.person().seal(o.ID)
	return f, err
}
