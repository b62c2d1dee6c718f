package importer

import (
	"slices"
	"sync"

	"github.com/edgeauth/edgeauth/pkg/auth/user"
)

// inFlight holds the subjects and pointers of the records that are being written. Of two records
// with the same e-mail address, the first in the file must win, so the second waits until the first
// is written.
type inFlight struct {
	mu      sync.Mutex
	changed sync.Cond // its Locker is mu
	names   map[string]struct{}
}

func newInFlight() *inFlight {
	f := &inFlight{names: map[string]struct{}{}}
	f.changed.L = &f.mu
	return f
}

// namesOf returns the subject and the keys of the pointers of u, e-mail included. A user with invalid
// pointers, whom the Directory refuses, has no names.
func namesOf(u user.User) (all []string) {
	moves, err := user.MovePointers(user.User{}, u, nil)
	if err != nil {
		return nil
	}
	if u.ID != "" {
		all = append(all, "subject "+string(u.ID))
	}
	for _, p := range moves.Add {
		all = append(all, "pointer "+p.Key())
	}
	return all
}

// take waits until no name is held and then holds all of them.
func (f *inFlight) take(names []string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for slices.ContainsFunc(names, f.held) {
		f.changed.Wait()
	}
	for _, name := range names {
		f.names[name] = struct{}{}
	}
}

func (f *inFlight) held(name string) bool {
	_, held := f.names[name]
	return held
}

// release gives the names of take back.
func (f *inFlight) release(names []string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, name := range names {
		delete(f.names, name)
	}
	f.changed.Broadcast()
}
