package flow

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/throttle"
	"github.com/edgeauth/edgeauth/pkg/auth/user"
)

// Admission says who may sign up. The zero Admission is AdmitNone.
type Admission uint8

const (
	// AdmitNone admits no address. Operators create the accounts.
	AdmitNone Admission = iota
	// AdmitInvited admits an address with an invitation; see [Invite].
	AdmitInvited
	// AdmitAll admits every address.
	AdmitAll
)

// ParseAdmission returns the admission with this name. The error names the accepted admissions.
func ParseAdmission(text string) (Admission, error) {
	i := slices.Index(admissions, text)
	if i < 0 {
		return 0, fmt.Errorf("unknown admission %q (want off, invited or on)", text)
	}
	return Admission(i), nil
}

var admissions = []string{AdmitNone: "off", AdmitInvited: "invited", AdmitAll: "on"}

// String returns the name of the admission, for example invited.
func (a Admission) String() string {
	if int(a) < len(admissions) {
		return admissions[a]
	}
	return fmt.Sprintf("admission %d", uint8(a))
}

// SignUp holds the rules of sign-ups. All of them must admit an address. They are checked when the
// code is requested, and again before the account is created. If they do not admit the address, no
// mail is sent, and the answer is the same.
type SignUp struct {
	Admit Admission
	// Domains are the domains of the addresses that may sign up, for example example.com. A
	// subdomain is a different domain. Empty means any domain.
	Domains []string
	// Ask decides about an address that the other rules admit, for example by a deployment's own
	// list. It is called for every such address, even if the address has an account. If Ask fails,
	// the answer is 503. nil admits every address.
	Ask func(ctx context.Context, n Newcomer) (bool, error)
}

// Newcomer is an address that asks to sign up.
type Newcomer struct {
	Email   user.Email // the key of the address; all spellings of an address have one key
	Client  auth.ClientID
	Address netip.Addr // of the request, as in Request.Address
}

// Validate returns an error that names the unknown admission or the invalid domain.
func (s SignUp) Validate() error {
	if int(s.Admit) >= len(admissions) {
		return fmt.Errorf("%v is unknown (want AdmitNone, AdmitInvited or AdmitAll)", s.Admit)
	}
	for _, domain := range s.Domains {
		if _, err := domainKey(domain); err != nil {
			return fmt.Errorf("the domain %q is %w", domain, err)
		}
	}
	return nil
}

// domainKey returns a domain in the form that it has in a [user.Email].
func domainKey(domain string) (string, error) {
	key, err := user.NormalizeEmail("x@" + domain)
	if err != nil || strings.Contains(domain, "@") {
		return "", errors.New("not usable (want the domain of an e-mail address, such as example.com)")
	}
	return domainOf(key), nil
}

func domainOf(key user.Email) string { return string(key[strings.LastIndexByte(string(key), '@')+1:]) }

// admits reports whether an address may sign up. invite is the invitation, or the zero id. It reads
// at most one item.
func (m *Manager) admits(ctx context.Context, n Newcomer, invite id, at time.Time) (bool, error) {
	s := m.SignUp
	fits := func(domain string) bool {
		key, err := domainKey(domain)
		return err == nil && key == domainOf(n.Email)
	}
	if s.Admit == AdmitNone || len(s.Domains) > 0 && !slices.ContainsFunc(s.Domains, fits) {
		return false, nil
	}
	if s.Admit == AdmitInvited {
		before, done, err := m.Store.Update(ctx, invite.inviteKey(), useInvite(at, throttle.Mark{}))
		if err != nil {
			return false, fmt.Errorf("read the invitation: %w", err)
		}
		if before == nil || !done {
			return false, nil
		}
		if ok, err := invites(invite, before, n.Email); !ok {
			return false, err
		}
	}
	if s.Ask == nil {
		return true, nil
	}
	ok, err := s.Ask(ctx, n)
	if err != nil {
		return false, fmt.Errorf("%w: ask who may sign up: %w", auth.ErrUnavailable, err)
	}
	return ok, nil
}

// InviteLifetime is how long an invitation is valid.
const InviteLifetime = 7 * 24 * time.Hour

// invitePrefix begins the text of an invitation, so that scanners for secrets find it.
const invitePrefix = "ein_"

// Invite stores an invitation and returns its secret. An invitation permits one sign-up with the
// given address. The secret opens nothing by itself, because the code is still sent to the address.
// The store has the hash of the secret, and the address encrypted under a key derived from the
// secret. The error wraps [user.ErrEmail] if the address is not usable; any other error wraps the
// error of the store.
func Invite(ctx context.Context, store Store, email string, at time.Time) (auth.Secret, error) {
	if err := user.CheckEmail(email); err != nil {
		return auth.Secret{}, err
	}
	key, err := user.NormalizeEmail(email)
	if err != nil {
		return auth.Secret{}, err
	}
	var i id
	f := Flow{Purpose: PurposeSignup, Client: inviteClient, TriesLeft: 1, Ends: at.Add(InviteLifetime).UTC().Truncate(time.Millisecond)}
	f.Expires = f.Ends.Add(slack).Truncate(time.Second)
	for _, random := range [][]byte{i[:], f.Code[:]} { // no code matches a random HMAC
		if _, err := io.ReadFull(rand.Reader, random); err != nil {
			return auth.Secret{}, fmt.Errorf("reading random bytes: %w", err)
		}
	}
	if f.Person, err = (person{Address: string(key)}).seal(i); err != nil {
		return auth.Secret{}, err
	}
	if err := store.Create(ctx, i.inviteKey(), f); err != nil {
		return auth.Secret{}, fmt.Errorf("store the invitation: %w", err)
	}
	return auth.NewSecret(invitePrefix + base64.RawURLEncoding.EncodeToString(i[:])), nil
}

// inviteClient is the client in the item of an invitation, which every client may use.
const inviteClient = auth.ClientID("*")

// inviteKey returns the name of an invitation in the store. No flow can have this name.
func (i id) inviteKey() Key {
	sum := sha256.Sum256(append([]byte("edgeauth invite 1\x00"), i[:]...))
	return Key("invite." + base64.RawURLEncoding.EncodeToString(sum[:]))
}

// parseInvite returns the id in the text of an invitation. For an invalid text it returns a random
// id, which belongs to no item, so that both cases cost the same call.
func (m *Manager) parseInvite(text auth.Secret) (i id, err error) {
	encoded, ok := strings.CutPrefix(text.Reveal(), invitePrefix)
	if raw, err := base64.RawURLEncoding.Strict().DecodeString(encoded); ok && err == nil && len(raw) == len(i) {
		return id(raw), nil
	}
	if _, err := io.ReadFull(m.Rand, i[:]); err != nil {
		return i, fmt.Errorf("reading random bytes: %w", err)
	}
	return i, nil
}

// useInvite returns the write that spends an invitation. With the zero mark, the write only reads.
func useInvite(at time.Time, mark throttle.Mark) Update {
	return Update{If: Condition{LiveAt: at.UTC().Truncate(time.Millisecond)}, Set: Change{Spent: mark}}
}

// invites reports whether an invitation was made for the address.
func invites(i id, f *Flow, email user.Email) (bool, error) {
	p, err := openPerson(i, f.Person)
	return err == nil && p.Address == string(email), err
}

// spendInvite spends the invitation of an account that was just created. If the invitation were
// spent first, a crash in between would leave the person with neither invitation nor account.
// spendInvite reports no errors: an unspent invitation permits nothing while its address has the
// account.
func (m *Manager) spendInvite(ctx context.Context, i id, at time.Time) {
	if mark, err := m.mark(); err == nil {
		_, _, _ = m.Store.Update(context.WithoutCancel(ctx), i.inviteKey(), useInvite(at, mark))
	}
}
