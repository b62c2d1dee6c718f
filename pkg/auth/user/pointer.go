package user

import (
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// PointerKind is the kind of name in a [Pointer].
type PointerKind string

const (
	// KindEmail is an e-mail address. The name is an Email. This pointer follows from User.Email
	// and is never in User.Pointers.
	KindEmail PointerKind = "e"
	// KindIdentity is an identity of an outside issuer.
	KindIdentity PointerKind = "i"
	// KindCredential is a credential that the user has registered, for example a passkey.
	KindCredential PointerKind = "c"
	// KindKey is an API key.
	KindKey PointerKind = "k"
)

const (
	// MaxPointers bounds User.Pointers. A store moves all pointers of a user in one transaction,
	// and a DynamoDB transaction has at most 100 items.
	MaxPointers = 32
	// MaxPointerBytes bounds the name in a [Pointer].
	MaxPointerBytes = 512

	kindEnd = "#"
)

// Pointer is a name that leads to one user. Equal names of different kinds are different pointers.
// Stores keep pointers in plain text, so the name for a secret must be its hash.
type Pointer struct {
	Kind PointerKind
	Name string
}

// Pointer returns the pointer for an e-mail address.
func (e Email) Pointer() Pointer { return Pointer{KindEmail, string(e)} }

// Key returns the pointer as one text, for example "i#name".
func (p Pointer) Key() string { return string(p.Kind) + kindEnd + p.Name }

// Validate returns an error that wraps [ErrPointer] if p is not a valid pointer.
func (p Pointer) Validate() error {
	switch p.Kind {
	case KindEmail, KindIdentity, KindCredential, KindKey:
	default:
		return fmt.Errorf("%w: the kind is %q (want e, i, c or k)", ErrPointer, string(p.Kind))
	}
	if p.Name == "" || len(p.Name) > MaxPointerBytes {
		return fmt.Errorf("%w: the name has %d bytes (want 1 to %d)", ErrPointer, len(p.Name), MaxPointerBytes)
	}
	if !utf8.ValidString(p.Name) || strings.ContainsFunc(p.Name, unicode.IsControl) {
		return fmt.Errorf("%w: the name must be valid UTF-8 without control characters", ErrPointer)
	}
	return nil
}

// MarshalText returns [Pointer.Key].
func (p Pointer) MarshalText() ([]byte, error) { return []byte(p.Key()), nil }

// UnmarshalText parses the text of [Pointer.Key]. It accepts unknown kinds, because a later version
// may have written them.
func (p *Pointer) UnmarshalText(text []byte) error {
	kind, name, ok := strings.Cut(string(text), kindEnd)
	if !ok || kind == "" || name == "" {
		return fmt.Errorf(`%w: it must have a kind and a name, as in "i#name"`, ErrPointer)
	}
	*p = Pointer{PointerKind(kind), name}
	return nil
}

// LogValue returns the kind alone, because the name may be personal data.
func (p Pointer) LogValue() slog.Value { return slog.StringValue(string(p.Kind)) }

// SortPointers returns the pointers in the form of User.Pointers: in ascending order of their keys,
// without duplicates, and nil if there are no pointers. It does not change its argument.
func SortPointers(pointers []Pointer) []Pointer {
	if len(pointers) == 0 {
		return nil
	}
	sorted := slices.Clone(pointers)
	slices.SortFunc(sorted, comparePointers)
	return slices.Compact(sorted)
}

func comparePointers(a, b Pointer) int { return strings.Compare(a.Key(), b.Key()) }

// PointerMoves says which pointers a store creates and deletes when a user changes from one state
// to another.
type PointerMoves struct {
	// Add are the pointers to create. They must not exist.
	Add []Pointer
	// Remove are the pointers to delete. Each must lead to the user.
	Remove []Pointer
	// Absent are other pointers of a new address. They must not exist, because the user would then
	// share an e-mail address with another user. See [EmailPointers].
	Absent []Pointer
}

// MovePointers returns the pointers to move when a user changes from one state to another,
// including the pointer for the e-mail address. The zero User has no pointers. held are the
// pointers of [HeldEmailPointers] for from.Email that lead to the user. If held is empty, the user
// has the pointer for [NormalizeEmail]. A different spelling of an address moves no pointer, unless
// the letters of its domain change.
//
// The error wraps [ErrEmail], [ErrPointer] or [ErrTooManyPointers] if the new state is not valid.
// Pointers in both states are not checked, because a later version may have written them.
func MovePointers(from, to User, held []Pointer) (PointerMoves, error) {
	before, err := emailBefore(from.Email, held)
	if err != nil {
		return PointerMoves{}, err
	}
	after, absent, err := emailAfter(from.Email, to.Email, before)
	if err != nil {
		return PointerMoves{}, err
	}
	before, after = append(before, from.Pointers...), append(after, to.Pointers...)
	if err := checkPointers(to.Pointers, before); err != nil {
		return PointerMoves{}, err
	}
	return PointerMoves{Add: without(after, before), Remove: without(before, after), Absent: absent}, nil
}

// emailBefore returns the pointers that an address has before a change.
func emailBefore(email string, held []Pointer) ([]Pointer, error) {
	switch {
	case email == "":
		return nil, nil
	case len(held) > 0:
		return slices.Clone(held), nil
	}
	p, err := emailPointer(email)
	if err != nil {
		return nil, err
	}
	return []Pointer{p}, nil
}

// emailAfter returns the pointer that an address has after a change, and the pointers that must not
// exist.
func emailAfter(from, to string, before []Pointer) (after, absent []Pointer, err error) {
	if to == "" {
		return nil, nil, nil
	}
	if sameWritten(from, to) {
		return before, nil, nil
	}
	key, err := NormalizeEmail(to)
	if err != nil {
		return nil, nil, err
	}
	after = []Pointer{key.Pointer()}
	return after, without(EmailPointers(to), append(after, before...)), nil
}

// sameWritten reports whether two addresses are the same address and differ at most in case and
// composition: see [EmailPointers].
func sameWritten(a, b string) bool {
	keyA, errA := writtenEmail(a)
	keyB, errB := writtenEmail(b)
	return errA == nil && errB == nil && keyA == keyB && sameKey(a, b)
}

// checkPointers checks the pointers of a user other than the pointer for the e-mail address.
func checkPointers(pointers, before []Pointer) error {
	for i, p := range pointers {
		if i > 0 && comparePointers(pointers[i-1], p) >= 0 {
			return fmt.Errorf("%w: pointers must be in ascending order, each once", ErrPointer)
		}
		if slices.Contains(before, p) {
			continue
		}
		if err := p.Validate(); err != nil {
			return err
		}
		if p.Kind == KindEmail {
			return fmt.Errorf("%w: a pointer of kind e must not be listed; it follows from the e-mail", ErrPointer)
		}
		if len(pointers) > MaxPointers {
			return ErrTooManyPointers
		}
	}
	return nil
}

// without returns the pointers in all that are not in others.
func without(all, others []Pointer) []Pointer {
	var rest []Pointer
	for _, p := range all {
		if !slices.Contains(others, p) {
			rest = append(rest, p)
		}
	}
	return rest
}
