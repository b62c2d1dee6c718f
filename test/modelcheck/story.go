package modelcheck

import (
	"fmt"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/edgeauth/edgeauth/pkg/auth/session"
)

// Story is the way to a finding, step by step. A token is named by its generation and a letter for
// its branch: 1b and 1c are two answers for one generation.
type Story []Line

// Line is one step of a story.
type Line struct {
	at        instant
	who, what string
	item      item
	// Outcome is the outcome of a refresh. It is empty in other lines.
	Outcome session.Outcome
}

// End returns the outcome of the story's last line, or "" if that is no refresh.
func (s Story) End() session.Outcome {
	if len(s) == 0 {
		return ""
	}
	return s[len(s)-1].Outcome
}

// String returns one line for each step: the time, the actor, the event, and the item in the store
// afterwards.
func (s Story) String() string {
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	for _, l := range s {
		fmt.Fprintf(w, "%d s\t%s\t%s\t%s\n", l.at, l.who, l.what, l.item)
	}
	w.Flush() // to memory, which cannot fail
	return b.String()
}

func (t token) String() string {
	if t.second {
		return name(t.generation, t.branch) + " of session 2"
	}
	return name(t.generation, t.branch)
}

func (it item) String() string {
	switch {
	case it.revoked:
		return "revoked"
	case it.stamped == never:
		return "generation 0"
	}
	return fmt.Sprintf("generation %d from %s, stamped %d s", it.generation, name(it.generation-1, it.parent), it.stamped)
}

func name(generation uint16, b branchID) string {
	letters := ""
	for n := int(b); n > 0; n = (n - 1) / 26 {
		letters = string(rune('a'+(n-1)%26)) + letters
	}
	return fmt.Sprintf("%d%s", generation, letters)
}

// tell repeats the moves and describes them.
func (h Honest) tell(s state, moves []move) Story {
	story := Story{{who: "client", what: "logs in: holds " + s.held.String(), item: s.items[0]}}
	for _, m := range moves {
		before := s.messages[m.index]
		var outcome session.Outcome
		s, outcome = h.after(s, m)
		l := Line{at: s.now, who: "client", Outcome: outcome}
		switch m.event {
		case sending:
			l.what = fmt.Sprintf("sends request %d with %s", s.requests, s.held)
			if m.stepUp {
				l.what += ", a step-up"
			}
			l.item = *s.item(s.held)
		case arrival:
			l.who = "server"
			l.what = fmt.Sprintf("takes request %d with %s%s: %s", before.number, before.token, clock(m.clock), outcome)
			if answered := s.messages[m.index]; answered.leg == answer && granted(outcome) {
				l.what += ", answers " + answered.token.String()
			}
			l.item = *s.item(before.token)
		case delivery:
			l.what = fmt.Sprintf("receives answer %d: holds %s", before.number, s.held)
			l.item = *s.item(s.held)
		}
		story = append(story, l)
	}
	return story
}

// story describes the way to the scene at an index of p.
func (p paths) story(at int) Story {
	var story Story
	for i := at; i >= 0; i = p[i].from {
		if p[i].deed != waits {
			story = append(story, p[i].line())
		}
	}
	slices.Reverse(story)
	if !p[at].over() {
		story = append(story, Line{p[at].now, "thief", "still holds what works", p[at].item, ""})
	}
	return story
}

func (s scene) line() Line {
	l := Line{at: s.now, who: "victim", item: s.item, Outcome: s.outcome}
	switch s.deed {
	case logsIn:
		l.what = "logs in: holds " + s.victim.String()
	case copies:
		l.who, l.what = "thief", "copies "+s.victim.String()
	case uses:
		l.who = "thief"
		fallthrough
	case refreshes:
		l.what = fmt.Sprintf("presents %s: %s", s.presented, s.outcome)
		if s.outcome.Grants() {
			l.what += ", gets " + s.next.String()
		}
	}
	return l
}

// clock describes the error of an instance's clock.
func clock(by int8) string {
	if by == 0 {
		return ""
	}
	return fmt.Sprintf(", its clock %+d s", by)
}
