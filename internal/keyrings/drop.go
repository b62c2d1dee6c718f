package keyrings

import (
	"slices"
	"strconv"
	"strings"
	"time"
)

// Drop names the keys of a ring to destroy. Access tokens and sessions under a dropped key end.
// Known devices under a dropped key become unknown.
type Drop struct {
	IDs []string // the form of Entry.ID
	All bool     // drop all keys, and make as many new keys
	// Still means that the previous deployment also requested All.
	Still bool
}

// doomed returns the versions whose keys the move drops. A template parameter keeps its value until
// it is changed, and a rollback repeats an earlier value. So doomed leaves out a drop that was
// already carried out.
func (r Ring) doomed(m Move, now time.Time) ([]Version, error) {
	if m.Drop.All {
		lapsed := !r.Purge.Lapsed.IsZero() && !now.Before(r.Purge.Lapsed.Add(purgeStays))
		switch {
		case r.Purge.Version == m.Version && !lapsed:
			return nil, nil
		case m.Drop.Still && len(r.Keys) > 0:
			return nil, r.refusal(m, r.Current(),
				"%s is \"all\" since an earlier deployment, which has dropped all keys; clear it first, or list the ids to drop", r.Kind.dropProperty())
		}
		return r.Versions(), nil
	}
	var doomed []Version
	for _, id := range m.Drop.IDs {
		found := slices.ContainsFunc(r.Dropped, func(record string) bool { return droppedID(record) == id })
		for _, v := range r.Versions() {
			if r.Keys[v].ID() == id {
				doomed, found = append(doomed, v), true
			}
		}
		if !found {
			return nil, r.refusal(m, 0, "%s: no key has the id %q", r.Kind.dropProperty(), id)
		}
	}
	return doomed, nil
}

// dropProperty returns the template parameter that drops keys of this kind of ring.
func (k Kind) dropProperty() string {
	switch k {
	case RefreshRing:
		return "DropRefreshKeys"
	case LoginRing:
		return "DropLoginKeys"
	}
	return "DropKeys"
}

// Leaves reports whether a move of a refresh-token or login ring drops the key that seals. If it
// does, the next version must seal immediately. Leaves returns the same result for a repeated
// request, after the ring was moved.
func (r Ring) Leaves(m Move) bool {
	drop := m.DropRefresh
	if r.Kind == LoginRing {
		drop = m.DropLogin
	}
	named := func(id string) bool { return drop.All || slices.Contains(drop.IDs, id) }
	switch from := r.Current(); {
	case r.Kind == SigningRing || m.Version == 0:
		return false
	case from == m.Version-1:
		return named(r.Keys[from].ID())
	case from == m.Version:
		return slices.ContainsFunc(r.Dropped, func(record string) bool {
			return droppedVersion(record) == m.Version-1 && named(droppedID(record))
		})
	}
	return false
}

// drop destroys keys in a ring that is not shared yet.
func (r *Ring) drop(doomed []Version) {
	for _, v := range doomed {
		record := r.Keys[v].ID()
		if r.Kind != SigningRing {
			record = strconv.Itoa(int(v)) + ":" + record
		}
		if !slices.Contains(r.Dropped, record) {
			r.Dropped = slices.Concat(r.Dropped, []string{record})
		}
		delete(r.Keys, v)
	}
}

// droppedID returns the key id in an entry of Ring.Dropped.
func droppedID(record string) string {
	_, id, found := strings.Cut(record, ":")
	if !found {
		return record // a signing ring
	}
	return id
}

// droppedVersion returns the version of a dropped refresh-token key, or 0.
func droppedVersion(record string) Version {
	text, _, _ := strings.Cut(record, ":")
	v, err := strconv.ParseUint(text, 10, 16)
	if err != nil {
		return 0
	}
	return Version(v)
}

// HasDropped reports whether a key of this version was dropped from a refresh-token ring.
func (r Ring) HasDropped(v Version) bool {
	return slices.ContainsFunc(r.Dropped, func(record string) bool { return droppedVersion(record) == v })
}

// purge updates the record of a drop of all keys, and reports whether the record has changed.
func (r *Ring) purge(m Move, done bool, now time.Time) bool {
	before := r.Purge
	switch {
	case m.Drop.All && (done || r.Purge.Version == m.Version):
		r.Purge = Purge{Version: m.Version} // a rollback repeats the drop
	case !m.Drop.All && r.Purge.Version != 0 && r.Purge.Lapsed.IsZero():
		r.Purge.Lapsed = now
	}
	return r.Purge != before
}
