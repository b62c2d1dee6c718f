package session

import (
	"crypto/sha256"
	"encoding/binary"
	"math"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/edgeauth/edgeauth/pkg/auth"
)

// Visit is what a request shows of its origin. Zero fields are unknown.
type Visit struct {
	Address   netip.Addr
	UserAgent string
	// Country is the country of the address: two capital letters of ISO 3166-1. Behind a CDN that
	// names countries, it is [UnknownCountry] for a request without a country, so that a request
	// that bypasses the CDN looks like a request from another country.
	Country string
	Place   Place
}

// UnknownCountry stands for a country that the CDN did not name. ISO 3166-1 never assigns it.
const UnknownCountry = "ZZ"

// Place is a point on earth in whole degrees, about 111 km apart. The zero Place is unknown.
type Place uint32

const (
	degrees    = 360
	halfCircle = degrees / 2
)

// PlaceOf returns the place at a latitude from -90 to 90 and a longitude from -180 to 180, in
// degrees. It returns the zero Place for all other numbers.
func PlaceOf(latitude, longitude float64) Place {
	if !(math.Abs(latitude) <= 90 && math.Abs(longitude) <= halfCircle) { // NaN too
		return 0
	}
	north, east := int(math.Round(latitude))+90, (int(math.Round(longitude))+halfCircle)%degrees
	return Place(1 + north*degrees + east)
}

// kilometres returns the great-circle distance between two known places.
func (p Place) kilometres(q Place) float64 {
	const radius, degree = 6371, math.Pi / halfCircle
	north := func(p Place) float64 { return float64(int(p-1)/degrees-90) * degree }
	east := func(p Place) float64 { return float64(int(p-1)%degrees-halfCircle) * degree }
	a, b := math.Sin((north(p)-north(q))/2), math.Sin((east(p)-east(q))/2)
	return 2 * radius * math.Asin(math.Sqrt(min(1, a*a+math.Cos(north(p))*math.Cos(north(q))*b*b)))
}

// The speed of the fastest honest journey. Databases often place addresses of one provider hundreds
// of kilometres from their users, so a short distance says nothing.
const (
	airlinerKilometresPerHour = 1000
	placeErrorKilometres      = 1000
)

// reachable reports whether a person can have been at both places within d.
func reachable(p, q Place, d time.Duration) bool {
	return p == 0 || q == 0 || p.kilometres(q) <= placeErrorKilometres+airlinerKilometresPerHour*max(0, d.Hours())
}

// Tag stands for a network, a program or a country in a session. It has 16 bits of a hash, so many
// networks share a tag, and the item does not reveal where its user was. A stranger's network
// equals a remembered tag by chance in less than one of 4,000 cases. The zero Tag is unknown.
type Tag uint16

// tagV6 is set only in the tag of an IPv6 network. It is the highest bit of a slot's index, so the
// two networks of a device with both families never replace each other.
const tagV6 Tag = 1 << 3

// tagOf hashes text together with the subject, so that the tags of two users cannot be compared.
func tagOf(of auth.SubjectID, text string) Tag {
	sum := sha256.Sum256([]byte(string(of) + "\x00" + text))
	return max(1, Tag(binary.BigEndian.Uint16(sum[:]))&^tagV6)
}

// The number of bits of an address that name a network. A home or an office keeps its /24 or /48
// for months, while its provider changes the rest: privacy extensions change the lower half of an
// IPv6 address every day, and a provider delegates up to a /48 to one site (RFC 6177). A /16 would
// not distinguish a thief from another customer of the same provider in the same city.
const (
	networkBitsV4 = 24
	networkBitsV6 = 48
)

func networkTag(of auth.SubjectID, a netip.Addr) Tag {
	a = a.Unmap().WithZone("")
	bits, family := networkBitsV6, tagV6
	if a.Is4() {
		bits, family = networkBitsV4, 0
	}
	network, err := a.Prefix(bits)
	if err != nil || !a.IsValid() {
		return 0
	}
	return tagOf(of, network.Masked().String()) | family
}

// userAgentTag ignores digits, because browsers raise their version every four weeks. A text of
// digits alone has a tag too, because the zero Tag would match every session.
func userAgentTag(of auth.SubjectID, text string) Tag {
	if text == "" {
		return 0
	}
	program := strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' {
			return -1
		}
		return r
	}, text)
	return tagOf(of, program)
}

func countryTag(of auth.SubjectID, country string) Tag {
	if country == "" {
		return 0
	}
	return tagOf(of, country)
}

// Facts are the parts of a [Visit] in the form that a session remembers. Zero fields are unknown.
type Facts struct {
	Network, UserAgent, Country Tag
	Place                       Place
}

// factsOf returns the facts of a visit by this user.
func factsOf(of auth.SubjectID, v Visit) Facts {
	return Facts{networkTag(of, v.Address), userAgentTag(of, v.UserAgent), countryTag(of, v.Country), v.Place}
}

// FactKind is a kind of fact of which a session remembers several.
type FactKind uint8

const (
	NetworkFact FactKind = iota
	UserAgentFact
	CountryFact
)

// Tag returns the fact of the kind k.
func (f Facts) Tag(k FactKind) Tag { return [...]Tag{f.Network, f.UserAgent, f.Country}[k] }

// Trace is what a session remembers of the requests that continued it.
//
// The write of a refresh does not know the stored item. So each fact has one slot of its kind,
// which depends on the fact alone: writing the fact again changes nothing, and the item does not
// grow. A fact replaces an older fact in the same slot.
type Trace struct {
	Network    Tag // of the last request
	Place      Place
	Networks   [16]Tag
	UserAgents [4]Tag
	Countries  [4]Tag
}

// Slots returns the slots of the kind k, as a view of t.
func (t *Trace) Slots(k FactKind) []Tag {
	return [...][]Tag{t.Networks[:], t.UserAgents[:], t.Countries[:]}[k]
}

// Slot returns the index of the slot of a fact among n.
func (f Tag) Slot(n int) int { return int(f) % n }

// keep stores the known facts of f.
func (t *Trace) keep(f Facts) {
	for k := NetworkFact; k <= CountryFact; k++ {
		if tag, slots := f.Tag(k), t.Slots(k); tag != 0 {
			slots[tag.Slot(len(slots))] = tag
		}
	}
	if f.Network != 0 {
		t.Network = f.Network
	}
	if f.Place != 0 {
		t.Place = f.Place
	}
}

// knows reports whether t remembers a fact. It is also true for an unknown fact and for a trace
// without facts of this kind, because sessions of earlier versions have no trace.
func (t *Trace) knows(k FactKind, fact Tag) bool {
	slots := t.Slots(k)
	return fact == 0 || slots[fact.Slot(len(slots))] == fact || !slices.ContainsFunc(slots, Tag.known)
}

func (f Tag) known() bool { return f != 0 }

// changes are the signals for facts that the session does not remember.
var changes = [...]auth.Signal{NetworkFact: auth.NetworkChanged, UserAgentFact: auth.UserAgentChanged, CountryFact: auth.CountryChanged}

// Known is a condition on the sessions of some clients: the session must remember a fact. Sessions
// of other clients pass.
type Known struct {
	Clients []auth.ClientID // at least one
	Kind    FactKind
	Fact    Tag // not zero
}

func (k Known) holds(s *Session) bool {
	return !slices.Contains(k.Clients, s.Client) || s.Trace.knows(k.Kind, k.Fact)
}

// known returns the conditions of a refresh with these facts. reauthOn names the clients that ask
// for a login because of a signal.
func known(f Facts, reauthOn map[auth.Signal][]auth.ClientID) (all []Known) {
	for k := NetworkFact; k <= CountryFact; k++ {
		if clients := reauthOn[changes[k]]; len(clients) > 0 && f.Tag(k) != 0 {
			all = append(all, Known{clients, k, f.Tag(k)})
		}
	}
	return all
}

// signals returns the signals of a refresh, given the session before its write.
func (r Rules) signals(p Presented, before *Session) (all []auth.Signal) {
	t, f := &before.Trace, p.Facts
	for k := NetworkFact; k <= CountryFact; k++ {
		if !t.knows(k, f.Tag(k)) {
			all = append(all, changes[k])
		}
	}
	since := p.Now.Sub(before.LastSeen)
	if f.Network != 0 && t.Network != 0 && t.Network != f.Network && (t.Network^f.Network)&tagV6 == 0 && since < r.MinimumInterval {
		all = append(all, auth.TwoNetworks)
	}
	if !reachable(t.Place, f.Place, since) {
		all = append(all, auth.ImpossibleTravel)
	}
	return all
}

// Signals returns the signals since the login that the trace still shows: the session remembers
// more than one network, program or country.
func (s *Session) Signals() (all []auth.Signal) {
	for k := NetworkFact; k <= CountryFact; k++ {
		facts := 0
		for _, tag := range s.Trace.Slots(k) {
			if tag.known() {
				facts++
			}
		}
		if facts > 1 {
			all = append(all, changes[k])
		}
	}
	return all
}
