package keyrings

import (
	"slices"
	"strconv"
	"strings"
	"time"
)

// Drop says which keys of a ring are to be destroyed. Access tokens or sessions under a dropped key end, and known
// devices are forgotten.
type Drop struct {
	IDs []string // as Entry.ID returns them
	All bool     // and as many new ones made
	// Still says that the deployment before asked for All as well.
	Still bool
}

// doomed returns the versions whose keys are dropped. A parameter keeps its value until it is changed, and a rollback
// repeats an earlier one, so what was done once is not done again.
func (r Ring) doomed(m Move, now time.Time) ([]Version, error) {
	if m.Drop.All {
		lapsed := !r.Purge.Lapsed.IsZero() && !now.Before(r.Purge.Lapsed.Add(purgeStays))
		switch {
		case r.Purge.Version == m.Version && !lapsed:
			return nil, nil
		case m.Drop.Still && len(r.Keys) > 0:
			return nil, r.refusal(m, r.Current(),
				"%s says all since an earlier deployment, which has done it: clear it first, or list the ids to drop", r.Kind.dropProperty())
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
			return nil, r.refusal(m, 0, "%s names the id %q, which no key has", r.Kind.dropProperty(), id)
		}
	}
	return doomed, nil
}

// dropProperty returns the parameter of the template that drops keys of such a ring.
func (k Kind) dropProperty() string {
	switch k {
	case RefreshRing:
		return "DropRefreshKeys"
	case LoginRing:
		return "DropLoginKeys"
	}
	return "DropKeys"
}

// Leaves reports whether a move of a refresh-token or login ring drops the key that seals, so that the next version must
// seal at once. It also reports so after the ring was moved, for a request that has to be carried out again.
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

// droppedID returns the id of a key in Ring.Dropped.
func droppedID(record string) string {
	_, id, found := strings.Cut(record, ":")
	if !found {
		return record // of a signing ring
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

// purge keeps the record of dropping all keys, and tells whether it has changed.
func (r *Ring) purge(m Move, done bool, now time.Time) bool {
	before := r.Purge
	switch {
	case m.Drop.All && (done || r.Purge.Version == m.Version):
		r.Purge = Purge{Version: m.Version} // a rollback asks for it again
	case !m.Drop.All && r.Purge.Version != 0 && r.Purge.Lapsed.IsZero():
		r.Purge.Lapsed = now
	}
	return r.Purge != before
}
