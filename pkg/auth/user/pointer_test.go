package user_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"testing"

	"github.com/edgeauth/edgeauth/pkg/auth/user"
)

// The text of a pointer parses to the same pointer, even if only a later version knows its kind.
func TestPointerText(t *testing.T) {
	for _, want := range []user.Pointer{
		user.Email("ada@example.com").Pointer(), {Kind: user.KindIdentity, Name: "a#b # c"}, {Kind: user.KindKey, Name: "#"}, {Kind: "later", Name: "x"},
	} {
		raw, err := json.Marshal(want)
		var got user.Pointer
		if err := errors.Join(err, json.Unmarshal(raw, &got)); err != nil || got != want || string(raw) != `"`+want.Key()+`"` {
			t.Errorf("%s: %+v, %v", raw, got, err)
		}
	}
	for _, text := range []string{"", "i", "i#", "#x", "name"} {
		var p user.Pointer
		if err := p.UnmarshalText([]byte(text)); !errors.Is(err, user.ErrPointer) {
			t.Errorf("%q: %+v, %v", text, p, err)
		}
	}
}

func TestPointerIsNotLogged(t *testing.T) {
	var log bytes.Buffer
	slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "pointer", user.Email("ada@example.com").Pointer())
	if strings.Contains(log.String(), "ada") || !strings.Contains(log.String(), `"pointer":"e"`) {
		t.Error(log.String())
	}
}

func TestSortPointers(t *testing.T) {
	a, b, c := user.Pointer{Kind: "c", Name: "z"}, user.Pointer{Kind: "i", Name: "a"}, user.Pointer{Kind: "i", Name: "b"}
	given := []user.Pointer{c, a, b, a}
	if got := user.SortPointers(given); !slices.Equal(got, []user.Pointer{a, b, c}) || given[0] != c {
		t.Errorf("%v of %v", got, given)
	}
	if got := user.SortPointers([]user.Pointer{}); got != nil {
		t.Errorf("%#v of none", got)
	}
}

// A user with pointers of a later version can still be changed: only added pointers are checked.
func TestMovePointersOfALaterVersion(t *testing.T) {
	later := user.User{Email: "Ada@example.com", Pointers: []user.Pointer{{Kind: "later", Name: "x"}}}
	for range user.MaxPointers {
		later.Pointers = append(later.Pointers, user.Pointer{Kind: "later", Name: strings.Repeat("x", len(later.Pointers)+1)})
	}
	later.Pointers = user.SortPointers(later.Pointers)
	to := later
	to.Email = "Countess@example.com"
	moves, err := user.MovePointers(later, to, nil)
	if err != nil || !slices.Equal(moves.Add, []user.Pointer{user.Email("countess@example.com").Pointer()}) ||
		!slices.Equal(moves.Remove, []user.Pointer{user.Email("ada@example.com").Pointer()}) {
		t.Errorf("%+v, %v", moves, err)
	}
	if moves, err := user.MovePointers(later, user.User{}, nil); err != nil || len(moves.Remove) != len(later.Pointers)+1 {
		t.Errorf("%d removed, %v", len(moves.Remove), err)
	}
	// A different spelling of the same key moves no pointer.
	to.Email = "ADA@example.com"
	if moves, err := user.MovePointers(later, to, nil); err != nil || len(moves.Add)+len(moves.Remove)+len(moves.Absent) != 0 {
		t.Errorf("%+v, %v", moves, err)
	}
}
