// Package simulate plays weeks of sessions of people who travel, and of thieves who have copied a refresh
// token of one of them. It measures how often honest people raise each signal, and how many thieves
// the signals show.
//
//	make travellers
//
// The session manager and its rules are real; the clock is simulated and the store is in memory.
// The movements of people are invented: the shares of the kinds of people and the habits of their
// providers are numbers in this package, which a reader can judge and change. A seed decides every
// invented event.
package simulate

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"time"

	"github.com/edgeauth/edgeauth/pkg/auth/session"
)

// kind is a kind of people, and its share of all people in percent.
type kind struct {
	name  string
	share int
}

var kinds = []kind{
	{"commuter", 35}, // a home, and an office on weekdays
	{"phone", 30},    // a mobile network by day, a home in the evening
	{"dual", 15},     // a home with both families of addresses, of which each request takes one
	{"vpn", 10},      // a home, and a VPN that is switched on and off
	{"flyer", 10},    // a home, an office, and a flight every ten days
}

// place is a town with its country, in degrees.
type place struct {
	country         string
	latitude, along float64
}

var towns = []place{
	{"DE", 52.5, 13.4}, {"DE", 48.1, 11.6}, {"FR", 48.9, 2.4}, {"GB", 51.5, -.1}, {"ES", 40.4, -3.7}, {"PL", 52.2, 21},
	{"US", 40.7, -74}, {"US", 37.8, -122.4}, {"BR", -23.5, -46.6}, {"IN", 19.1, 72.9}, {"JP", 35.7, 139.7}, {"AU", -33.9, 151.2},
}

// near returns a town that the table of a CDN might give for an address in this one.
func near(rng *rand.Rand, p place, degrees float64) place {
	p.latitude += (rng.Float64() - .5) * 2 * degrees
	p.along += (rng.Float64() - .5) * 2 * degrees
	return p
}

// network is where requests come from.
type network struct {
	prefix netip.Prefix
	place
}

func v4(rng *rand.Rand, p place) network {
	a := netip.AddrFrom4([4]byte{byte(20 + rng.IntN(180)), byte(rng.IntN(256)), byte(rng.IntN(256)), 0})
	return network{netip.PrefixFrom(a, 24), p}
}

func v6(rng *rand.Rand, p place) network {
	a := [16]byte{0x20, 0x01, byte(rng.IntN(256)), byte(rng.IntN(256)), byte(rng.IntN(256)), byte(rng.IntN(256))}
	return network{netip.PrefixFrom(netip.AddrFrom16(a), 48), p}
}

// address returns an address in the network: of a lease, or of the privacy extensions of this day.
func (n network) address(rng *rand.Rand) netip.Addr {
	raw := n.prefix.Addr().As16()
	for i := 12; i < 16; i++ {
		raw[i] ^= byte(rng.IntN(256))
	}
	if n.prefix.Addr().Is4() {
		raw = n.prefix.Addr().As16()
		raw[15] = byte(1 + rng.IntN(254))
	}
	return netip.AddrFrom16(raw).Unmap()
}

// The habits of providers and people.
const (
	homeMoves    = 30  // a home gets another network once in so many days
	carrierPool  = 24  // networks of a carrier in one region
	carrierMoves = .25 // of the refreshes over a mobile network come from another of these networks
	carrierError = 3   // degrees between a phone and the place that the CDN gives for its carrier
	exits        = 12  // networks of a VPN that one person uses
	reloads      = .15 // of the refreshes are followed by a second refresh within a minute: a page is reloaded
	dualV6       = .8  // of the requests of a person with both families are of IPv6
	cabin        = .3  // of the flights have a network in the cabin, whose addresses are in one country
	desktopSite  = .03 // of the people ask for the site of the desktop once
)

// person is a user with one session.
type person struct {
	kind    string
	rng     *rand.Rand
	town    place
	home    network
	home6   network
	office  network
	carrier []network
	vpn     []network
	mobile  int // index in carrier
	exit    int // index in vpn, or -1 without the VPN
	away    *network
	aloft   bool // in a plane
	version int
	desktop bool
}

// offices are shared by the people of a firm.
func newPerson(rng *rand.Rand, offices []network) *person {
	p := &person{rng: rng, town: towns[rng.IntN(len(towns))], exit: -1, version: 130 + rng.IntN(5)}
	n := rng.IntN(100)
	for _, k := range kinds {
		if n -= k.share; n < 0 {
			p.kind = k.name
			break
		}
	}
	p.office = offices[rng.IntN(len(offices))]
	p.office.place = p.town
	p.move()
	for range carrierPool {
		p.carrier = append(p.carrier, v4(rng, near(rng, p.town, carrierError)))
	}
	for range exits {
		p.vpn = append(p.vpn, v4(rng, towns[rng.IntN(len(towns))]))
	}
	return p
}

// move gives the home another network.
func (p *person) move() {
	where := near(p.rng, p.town, .5)
	p.home, p.home6 = v4(p.rng, where), v6(p.rng, where)
}

// begin is the midnight before the first day, a Monday.
var begin = time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)

// day makes the changes between two days.
func (p *person) day(d int) {
	if p.rng.IntN(homeMoves) == 0 {
		p.move()
	}
	if d%28 == 13 {
		p.version++ // a browser raises its version every four weeks
	}
	p.desktop = p.desktop || p.rng.Float64() < desktopSite/28
	if p.kind == "flyer" {
		switch {
		case d%10 == 6: // off in the morning
			to := towns[p.rng.IntN(len(towns))]
			hotel := v4(p.rng, near(p.rng, to, .5))
			p.away, p.aloft = &hotel, true
		case d%10 == 9:
			p.away, p.aloft = nil, true
		default:
			p.aloft = false
		}
	}
}

// online returns the network of the person at an hour of a day, or nil without one.
func (p *person) online(weekday time.Weekday, hour int) *network {
	working := weekday != time.Saturday && weekday != time.Sunday && hour >= 9 && hour < 17
	if p.aloft { // on a flight from 8 until 20 o'clock, and then at the other end
		switch {
		case hour < 8:
			return nil
		case hour < 20 && p.rng.Float64() < cabin:
			return &network{netip.MustParsePrefix("63.116.10.0/24"), towns[6]}
		case hour < 20:
			return nil
		}
	}
	if p.away != nil {
		return p.away
	}
	switch p.kind {
	case "phone":
		if hour < 19 {
			if p.rng.Float64() < carrierMoves {
				p.mobile = p.rng.IntN(len(p.carrier))
			}
			return &p.carrier[p.mobile]
		}
	case "vpn":
		if p.rng.IntN(24) == 0 {
			if p.exit = -1; p.rng.IntN(2) == 0 {
				p.exit = p.rng.IntN(len(p.vpn))
			}
		}
		if p.exit >= 0 {
			return &p.vpn[p.exit]
		}
	case "dual":
		if p.rng.Float64() < dualV6 {
			return &p.home6
		}
	case "commuter", "flyer":
		if working {
			return &p.office
		}
	}
	return &p.home
}

func (p *person) userAgent() string {
	if p.desktop {
		return fmt.Sprintf("Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/%d.0.0.0 Safari/537.36", p.version)
	}
	return fmt.Sprintf("Mozilla/5.0 (Linux; Android 14; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/%d.0.0.0 Mobile Safari/537.36", p.version)
}

// visit is a request of this person from a network.
func (p *person) visit(n *network) session.Visit {
	return session.Visit{Address: n.address(p.rng), UserAgent: p.userAgent(), Country: n.country, Place: session.PlaceOf(n.latitude, n.along)}
}

// awake returns the minutes of a day at which the person's client refreshes.
func (p *person) awake() (minutes []int) {
	for hour := 8; hour < 23; hour++ {
		if p.rng.IntN(3) == 0 {
			continue // does something else for an hour
		}
		for m := p.rng.IntN(15); m < 60; m += 14 {
			minutes = append(minutes, hour*60+m)
		}
	}
	return minutes
}
