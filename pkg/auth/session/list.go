package session

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/edgeauth/edgeauth/pkg/auth"
)

// Page is one part of a list of sessions.
type Page struct {
	Sessions []Session
	// Next is the value of after for the next part. It is zero at the end of the list.
	Next ID
}

// List returns the open sessions of a user, in an order that the store chooses, by one query of up
// to limit sessions. of must come from a read of the user: sessions of an older token version are
// hidden, and so are all sessions of a disabled user. own is the session of the request, or the
// zero ID. A session that a step-up has replaced is hidden if its replacement is in the same part,
// unless the session is own or was refreshed after the handover. So a part may be empty although
// more parts follow. The zero after begins the list.
func (m *Manager) List(ctx context.Context, of auth.Subject, own, after ID, limit int) (Page, error) {
	found, err := m.c.Store.List(ctx, of.ID, after, limit)
	if err != nil {
		return Page{}, fmt.Errorf("listing sessions: %w", err)
	}
	var p Page
	if len(found) == limit {
		p.Next = found[limit-1].ID
	}
	p.Sessions = m.current(found, of, own, m.c.Now())
	return p, nil
}

// current returns the sessions that are open at now, without the sessions that a step-up has
// replaced and that are not in use.
func (m *Manager) current(found []Session, of auth.Subject, own ID, now time.Time) (open []Session) {
	replaced := map[ID]bool{}
	for _, s := range found {
		if m.c.Rules.Over(s, of, now) == "" {
			open = append(open, s)
			replaced[s.Replaces] = true
		}
	}
	// A replaced session is in use if it was refreshed after the handover or sends this request.
	// The user of such a session is a thief, or a client whose step-up got no answer.
	return slices.DeleteFunc(open, func(s Session) bool {
		return replaced[s.ID] && s.ID != own && s.LastSeen.Before(s.PausedUntil)
	})
}

// live returns the condition that a session has not ended.
func (m *Manager) live(now time.Time) Condition {
	return Condition{LiveAt: now, CreatedFrom: m.c.Rules.notBefore()}
}

// Bounds of a label, which keep the item of a session small.
const (
	maxLabelCharacters = 64
	maxLabelBytes      = 200
)

// ErrLabel says that a text cannot be the label of a session.
var ErrLabel = fmt.Errorf("a label has at most %d characters and %d bytes of UTF-8, and no control characters or changes of the direction of text", maxLabelCharacters, maxLabelBytes)

// notInLabel reports whether a label cannot contain r. An embedding, override or isolate of the
// Unicode Bidirectional Algorithm would also reorder what a page shows beside the label.
func notInLabel(r rune) bool {
	return unicode.In(r, unicode.Cc, unicode.Zl, unicode.Zp) || r >= 0x202A && r <= 0x202E || r >= 0x2066 && r <= 0x2069
}

// shown removes the characters that a label cannot contain from a text of a client. The client may
// be a thief, who must not be able to reorder what a page shows beside the text.
func shown(text string) string {
	return strings.Map(func(r rune) rune {
		if notInLabel(r) {
			return -1
		}
		return r
	}, text)
}

// Rename sets the label of a session by one write. An empty label removes it. The error is
// [ErrLabel] if the label is not permitted. It wraps [auth.ErrNotFound] if the session does not
// exist or has ended, and [auth.ErrUnavailable] if the store did not confirm the write. of must
// come from a read of the user.
func (m *Manager) Rename(ctx context.Context, of auth.Subject, id ID, label string) error {
	if len(label) > maxLabelBytes || !utf8.ValidString(label) || utf8.RuneCountInString(label) > maxLabelCharacters || strings.ContainsFunc(label, notInLabel) {
		return ErrLabel
	}
	u := Update{If: m.live(millis(m.c.Now())), Set: Change{Label: &label}}
	before, done, err := m.c.Store.Update(ctx, Key{of.ID, id}, u)
	switch {
	case err != nil:
		return fmt.Errorf("renaming a session: %w", err)
	case !done || subjectOutcome(of, nil, *before) != "":
		return fmt.Errorf("renaming a session: %w", auth.ErrNotFound)
	}
	return nil
}
