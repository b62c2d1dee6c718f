package endpoint

import (
	"cmp"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"fmt"
	"net/http"
	"net/netip"
	"strconv"
	"strings"

	"github.com/edgeauth/edgeauth/pkg/auth/session"
)

// noProgram stands for the program of a request without a User-Agent. A session treats it like any
// other program, so that a thief who leaves out the header does not pass for the user.
const noProgram = "-"

// secretHeader is the header in which a CDN proves itself. Every client can send the headers below;
// they are ignored without the secret.
const secretHeader = "X-Edgeauth-Cdn-Secret"

// The headers of CloudFront about the viewer: its address with the port, its country, and where the
// address is, in degrees.
const (
	viewerAddressHeader   = "CloudFront-Viewer-Address"
	viewerCountryHeader   = "CloudFront-Viewer-Country"
	viewerLatitudeHeader  = "CloudFront-Viewer-Latitude"
	viewerLongitudeHeader = "CloudFront-Viewer-Longitude"
)

// cdn is the CDN in front of the API, as the SHA-256 of each of its secrets. It is empty without a
// CDN. The configuration has only the hashes, so a reader of the configuration cannot pass for the
// CDN.
type cdn [][sha256.Size]byte

// maxCDNSecrets allows one secret, and the next secret while the CDN changes over.
const maxCDNSecrets = 2

func newCDN(hashes []string) (cdn, error) {
	if len(hashes) > maxCDNSecrets {
		return nil, fmt.Errorf("%d hashes (want at most %d: the secret of the CDN, and the next one)", len(hashes), maxCDNSecrets)
	}
	c := make(cdn, len(hashes))
	for i, text := range hashes {
		raw, err := hex.DecodeString(text)
		if err != nil || len(raw) != sha256.Size {
			return nil, fmt.Errorf("entry %d is not a SHA-256 (want 64 hexadecimal digits)", i+1)
		}
		if c[i] = [sha256.Size]byte(raw); c[i] == sha256.Sum256(nil) {
			return nil, fmt.Errorf("entry %d is the hash of an empty secret, which everyone can send (was the variable of the secret empty?)", i+1)
		}
	}
	return c, nil
}

// sent reports whether the CDN has sent the request. The comparison takes the same time for every
// wrong secret.
func (c cdn) sent(r *http.Request) bool {
	given := r.Header.Values(secretHeader)
	if len(c) == 0 || len(given) != 1 {
		return false
	}
	sum, found := sha256.Sum256([]byte(given[0])), 0
	for i := range c {
		found |= subtle.ConstantTimeCompare(sum[:], c[i][:])
	}
	return found == 1
}

// address returns the client's address, or the zero Addr if it is unknown. If the CDN has sent the
// request, the address comes from the CDN, and otherwise from the gateway. Every other forwarding
// header is ignored, because clients can set it.
func (c cdn) address(r *http.Request) netip.Addr {
	text := r.RemoteAddr
	if c.sent(r) {
		text = only(r, viewerAddressHeader)
	}
	if from, err := netip.ParseAddrPort(text); err == nil {
		return from.Addr().Unmap()
	}
	// CloudFront writes an IPv6 address without brackets.
	host := text[:max(0, strings.LastIndexByte(text, ':'))]
	from, err := netip.ParseAddr(host)
	if err != nil {
		return netip.Addr{}
	}
	return from.Unmap()
}

// visit returns what r shows of its origin. Without a CDN, country and place are unknown.
func (c cdn) visit(r *http.Request) session.Visit {
	v := session.Visit{Address: c.address(r), UserAgent: cmp.Or(userAgent(r), noProgram)}
	if len(c) == 0 {
		return v
	}
	v.Country = session.UnknownCountry
	if !c.sent(r) {
		return v
	}
	if country := only(r, viewerCountryHeader); isCountry(country) {
		v.Country = country
	}
	latitude, errNorth := strconv.ParseFloat(only(r, viewerLatitudeHeader), 64)
	longitude, errEast := strconv.ParseFloat(only(r, viewerLongitudeHeader), 64)
	if errNorth == nil && errEast == nil {
		v.Place = session.PlaceOf(latitude, longitude)
	}
	return v
}

func isCountry(text string) bool {
	capital := func(b byte) bool { return b >= 'A' && b <= 'Z' }
	return len(text) == 2 && capital(text[0]) && capital(text[1])
}

// only returns the value of a header that occurs once in the request, or "".
func only(r *http.Request, name string) string {
	if values := r.Header.Values(name); len(values) == 1 {
		return values[0]
	}
	return ""
}
