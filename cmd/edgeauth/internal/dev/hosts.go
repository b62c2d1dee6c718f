package dev

import (
	"cmp"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/edgeauth/edgeauth/internal/config"
	"github.com/edgeauth/edgeauth/internal/loopback"
)

// Hosts are the names, besides those of loopback, under which clients reach the server: the name of
// its service in docker compose, or the address of this machine in the local network.
//
// In a DNS rebinding attack a malicious page points its own host name at this machine to read the
// answers. The Host header then names the attacker's host, which is not on the list.
type Hosts []string

var hostForm = regexp.MustCompile(`^[a-z0-9]([a-z0-9._-]*[a-z0-9])?$`)

// NewHosts returns the hosts with these names: names in lower case or addresses, without a port.
func NewHosts(names []string) (Hosts, error) {
	for _, name := range names {
		if _, err := netip.ParseAddr(name); err != nil && !hostForm.MatchString(name) {
			return nil, fmt.Errorf("%q is not a host (want a name in lower case or an address, without a port)", name)
		}
	}
	return names, nil
}

// has reports whether the Host header names this machine or a listed host.
func (h Hosts) has(r *http.Request) bool {
	name, _, err := net.SplitHostPort(r.Host)
	if err != nil {
		name = strings.Trim(r.Host, "[]")
	}
	return loopback.IsHost(name) || slices.Contains(h, name)
}

var thisMachine = net.IPv4(127, 0, 0, 1)

// site is the address at which clients reach the server.
type site struct {
	url    string // for clients on this machine
	issuer string
	hosts  Hosts
}

// site returns the site of a server that listens at this address. Its hosts are those of --host,
// --addr and --issuer.
func (o Options) site(listens net.Addr) (site, error) {
	at, ok := listens.(*net.TCPAddr)
	if !ok {
		return site{}, fmt.Errorf("--addr %q is not a TCP address (want host:port, for example 127.0.0.1:8080)", o.Addr)
	}
	scheme, here := "http", *at
	if o.TLS.On {
		scheme = "https"
	}
	if at.IP.IsUnspecified() {
		here.IP = thisMachine
	}
	s := site{url: scheme + "://" + here.String(), hosts: slices.Clone(o.Hosts)}
	s.issuer = cmp.Or(o.Issuer, s.url)
	if o.Issuer == "" && !o.TLS.On && !here.IP.IsLoopback() {
		// Plain http is accepted in an issuer only on loopback.
		s.issuer = "http://" + (&net.TCPAddr{IP: thisMachine, Port: here.Port}).String()
	}
	e := config.New(func(string) (string, bool) { return s.issuer, true })
	e.Issuer()
	if wrong := (*config.VariableError)(nil); errors.As(e.Err(), &wrong) {
		return site{}, fmt.Errorf("--issuer %q %s (want %s)", s.issuer, wrong.Problem, wrong.Want)
	}
	if !at.IP.IsUnspecified() {
		named, _, _ := net.SplitHostPort(o.Addr)
		s.name(named)
	}
	if u, err := url.Parse(s.issuer); err == nil {
		s.name(u.Hostname())
	}
	if !at.IP.IsLoopback() && len(s.hosts) == 0 {
		return site{}, fmt.Errorf("--addr %q is reachable from other machines (want --host with the name or address under which they reach it, "+
			"or a loopback address, for example 127.0.0.1:8080)", o.Addr)
	}
	return s, nil
}

// name adds a host, unless it is there already.
func (s *site) name(host string) {
	if host = strings.ToLower(host); !loopback.IsHost(host) && !slices.Contains(s.hosts, host) {
		s.hosts = append(s.hosts, host)
	}
}
