package dev

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"net"
	"os"
	"time"
)

// TLS says how the server gets its certificate. The zero TLS means plain http.
type TLS struct {
	On        bool
	Cert, Key string // paths of PEM files; if empty, the server creates a certificate
}

// The files of a certificate that the server made.
const (
	certFile = "tls.crt"
	keyFile  = "tls.key"
)

// A certificate is valid for a year, and is replaced in its last month. Browsers accept at most 398
// days, even for a certificate that a user has trusted.
const (
	certLife  = 365 * 24 * time.Hour
	certRenew = 30 * 24 * time.Hour
)

// serialBound is above every serial number: RFC 5280 accepts 20 octets of a positive integer
// (section 4.1.2.2).
var serialBound = new(big.Int).Lsh(big.NewInt(1), 127)

// certificate returns the certificate of the server: from the files, or from the data directory. It
// creates the certificate in the data directory if it is missing, near its end, or for other hosts.
func (t TLS) certificate(home Home, hosts Hosts, now time.Time) (tls.Certificate, error) {
	if t.Cert != "" {
		c, err := tls.LoadX509KeyPair(t.Cert, t.Key)
		if err != nil {
			return c, fmt.Errorf("--tls-cert %q and --tls-key %q: %w", t.Cert, t.Key, err)
		}
		return c, nil
	}
	names := append([]string{"localhost", "127.0.0.1", "::1"}, hosts...)
	c, err := tls.LoadX509KeyPair(home.path(certFile), home.path(keyFile))
	if err == nil && serves(c.Leaf, names, now) {
		return c, nil
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return c, fmt.Errorf("the certificate in %s: %w; remove %s and %s for a new one", home, err, certFile, keyFile)
	}
	return home.makeCertificate(names, now)
}

// serves reports whether a certificate is for all of these names and is valid for long enough.
func serves(c *x509.Certificate, names []string, now time.Time) bool {
	for _, name := range names {
		if c.VerifyHostname(name) != nil {
			return false
		}
	}
	return now.After(c.NotBefore) && now.Add(certRenew).Before(c.NotAfter)
}

// makeCertificate makes a self-signed certificate. The certificate is not an authority: a user who
// trusts it trusts only these names, and a thief of its key cannot imitate another site.
func (h Home) makeCertificate(names []string, now time.Time) (tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, err
	}
	serial, err := rand.Int(rand.Reader, serialBound)
	if err != nil {
		return tls.Certificate{}, err
	}
	form := &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: "edgeauth dev"},
		NotBefore: now.Add(-time.Hour), NotAfter: now.Add(certLife),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		BasicConstraintsValid: true,
	}
	for _, name := range names {
		if ip := net.ParseIP(name); ip != nil {
			form.IPAddresses = append(form.IPAddresses, ip)
		} else {
			form.DNSNames = append(form.DNSNames, name)
		}
	}
	der, err := x509.CreateCertificate(rand.Reader, form, form, &key.PublicKey, key)
	if err != nil {
		return tls.Certificate{}, err
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return tls.Certificate{}, err
	}
	certText := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	keyText := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private})
	for name, text := range map[string][]byte{certFile: certText, keyFile: keyText} {
		// Other users may be able to read an existing file, and WriteFile keeps its mode.
		if err := os.Remove(h.path(name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return tls.Certificate{}, err
		}
		if err := os.WriteFile(h.path(name), text, 0o600); err != nil {
			return tls.Certificate{}, fmt.Errorf("cannot write to the data directory: %w", err)
		}
	}
	return tls.X509KeyPair(certText, keyText)
}
