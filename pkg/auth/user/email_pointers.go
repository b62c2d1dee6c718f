package user

import (
	"crypto/sha256"
	"encoding/base64"
	"slices"
	"strings"
)

// EmailPointers returns the pointers that may lead to the user with an address, without duplicates.
// A store follows the first pointer that exists.
//
// Nearly all addresses have one pointer, the pointer for [NormalizeEmail]. Versions before the
// A-label stored the domain as its owner wrote it. So an address whose domain is not ASCII, or has
// an A-label, may have another pointer until [Directory.MoveEmailPointers] has moved it. The
// pointer as written comes first: if two users hold the two pointers, each user is found as before.
// An invalid address has one pointer, which leads to no user.
//
// All texts with a pointer in common have one key, so the attempts at a user count under one key.
// For this reason EmailPointers leaves out the pointer as written if it is the pointer of another
// address. For example, the lower case of a capital i with a dot is i, but UTS 46 maps the letter
// to i with a combining dot, which is a different domain.
func EmailPointers(text string) []Pointer {
	key, err := NormalizeEmail(text)
	text = strings.TrimSpace(text)
	local, domain := cutLast(text, "@")
	if err == nil && plainDomain(domain) {
		return []Pointer{key.Pointer()}
	}
	var all []Pointer
	if written, ok := writtenPointer(text); ok && sameKey(written.Name, text) {
		all = append(all, written)
	}
	if err == nil {
		all = append(all, key.Pointer())
		// The owner may have written the domain in letters and now log in from a browser, which
		// sends the A-label.
		_, domain := cutLast(string(key), "@")
		if domain, err = domains.ToUnicode(domain); err == nil {
			if written, err := writtenEmail(local + "@" + domain); err == nil && sameKey(string(written), text) {
				all = append(all, written.Pointer())
			}
		}
	}
	if len(all) == 0 {
		return []Pointer{noEmail(text).Pointer()}
	}
	return unique(all)
}

// HeldEmailPointers returns the pointers that a user with this address may hold: the pointers of
// [EmailPointers], and the pointer that a version before the A-label wrote, even if it now belongs
// to another address. A store must check that a pointer leads to the user.
func HeldEmailPointers(text string) []Pointer {
	all := EmailPointers(text)
	if written, ok := writtenPointer(text); ok {
		all = append(all, written)
	}
	return unique(all)
}

// writtenPointer returns the pointer that versions before the A-label wrote. ok is false if this
// version writes the same pointer.
func writtenPointer(text string) (p Pointer, ok bool) {
	written, err := writtenEmail(text)
	if err != nil || plainDomain(domainOf(strings.TrimSpace(text))) {
		return Pointer{}, false
	}
	return written.Pointer(), true
}

// sameKey reports whether two texts have the same key, or are both invalid.
func sameKey(a, b string) bool {
	keyA, errA := NormalizeEmail(a)
	keyB, errB := NormalizeEmail(b)
	return keyA == keyB && (errA == nil) == (errB == nil)
}

// noEmail returns a substitute key for an invalid address. It has no "@", so it is the key of no
// user.
func noEmail(text string) Email {
	sum := sha256.Sum256([]byte(text))
	return Email("invalid:" + base64.RawURLEncoding.EncodeToString(sum[:]))
}

// unique removes duplicates and keeps the order.
func unique(pointers []Pointer) []Pointer {
	var rest []Pointer
	for _, p := range pointers {
		if !slices.Contains(rest, p) {
			rest = append(rest, p)
		}
	}
	return rest
}

// emailPointer returns the pointer for an address that is stored. An address of an earlier version
// may have no A-label; it keeps its old pointer.
func emailPointer(text string) (Pointer, error) {
	key, err := NormalizeEmail(text)
	if err == nil {
		return key.Pointer(), nil
	}
	written, errWritten := writtenEmail(text)
	if errWritten != nil || plainDomain(domainOf(string(written))) {
		return Pointer{}, err
	}
	return written.Pointer(), nil
}

func domainOf(address string) string {
	_, domain := cutLast(address, "@")
	return domain
}

// sameEmail reports whether two addresses have a pointer in common.
func sameEmail(a, b string) bool {
	others := EmailPointers(b)
	return slices.ContainsFunc(EmailPointers(a), func(p Pointer) bool { return slices.Contains(others, p) })
}
