package dev

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func certificateOf(t *testing.T, home Home, now time.Time, hosts ...string) *x509.Certificate {
	t.Helper()
	c, err := TLS{On: true}.certificate(home, hosts, now)
	if err != nil {
		t.Fatal(err)
	}
	return c.Leaf
}

// TestCertificate: a certificate stays until it lacks a host or is about to expire, so that a user
// trusts it only once. It is not an authority, and only its owner can read its key.
func TestCertificate(t *testing.T) {
	home, now := Home(t.TempDir()), time.Now()
	first := certificateOf(t, home, now)
	for _, name := range []string{"localhost", "127.0.0.1", "::1"} {
		if err := first.VerifyHostname(name); err != nil {
			t.Error(err)
		}
	}
	if first.IsCA || first.KeyUsage&x509.KeyUsageCertSign != 0 {
		t.Error("the certificate is an authority")
	}
	if life := first.NotAfter.Sub(first.NotBefore); life > 398*24*time.Hour {
		t.Errorf("it lives for %v, which browsers refuse", life)
	}
	for _, name := range []string{certFile, keyFile} {
		if info, err := os.Stat(home.path(name)); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v", name, info.Mode(), err)
		}
	}
	if again := certificateOf(t, home, now.Add(300*24*time.Hour)); !again.Equal(first) {
		t.Error("a second start makes another certificate")
	}
	named := certificateOf(t, home, now, "edgeauth", "192.168.1.5")
	if named.VerifyHostname("edgeauth") != nil || named.VerifyHostname("192.168.1.5") != nil || named.VerifyHostname("localhost") != nil {
		t.Errorf("it is for %v and %v", named.DNSNames, named.IPAddresses)
	}
	if fewer := certificateOf(t, home, now, "edgeauth"); !fewer.Equal(named) {
		t.Error("fewer hosts need another certificate")
	}
	if late := certificateOf(t, home, now.Add(340*24*time.Hour)); late.Equal(named) {
		t.Error("a certificate in its last month stays")
	}
	if err := os.WriteFile(home.path(keyFile), []byte("junk"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := (TLS{On: true}).certificate(home, nil, now); err == nil || !strings.Contains(err.Error(), "remove tls.crt and tls.key") {
		t.Errorf("a damaged key: %v", err)
	}
	if _, err := (TLS{On: true, Cert: "no.pem", Key: "no.key"}).certificate(home, nil, now); err == nil || !strings.Contains(err.Error(), `--tls-cert "no.pem"`) {
		t.Errorf("a missing file: %v", err)
	}
}

// TestServeTLS serves with the certificate of the directory. A client that trusts only this
// certificate reaches the server, also by HTTP/2.
func TestServeTLS(t *testing.T) {
	home := Home(t.TempDir())
	c, err := TLS{On: true}.certificate(home, Hosts{"edgeauth"}, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(home.path(certFile))
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(text)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		ended <- serve(ctx, listener, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, r.Proto) }), &c)
	}()
	client := &http.Client{Transport: &http.Transport{
		TLSClientConfig: &tls.Config{RootCAs: roots}, ForceAttemptHTTP2: true,
		DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, network, listener.Addr().String())
		},
	}}
	for _, host := range []string{"edgeauth:8443", "localhost", "127.0.0.1"} {
		answer, err := client.Get("https://" + host)
		if err != nil {
			t.Error(err)
			continue
		}
		body, _ := io.ReadAll(answer.Body)
		_ = answer.Body.Close()
		if string(body) != "HTTP/2.0" {
			t.Errorf("%s: %s", host, body)
		}
	}
	if _, err := client.Get("https://other"); err == nil {
		t.Error("the certificate is good for another host")
	}
	client.CloseIdleConnections()
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// TestOneServerForADirectoryOverTLS: a second server finds the first, whose certificate it does not
// trust.
func TestOneServerForADirectoryOverTLS(t *testing.T) {
	home := Home(t.TempDir())
	plain := publish(t, home)
	front := newTLSServer(t, plain.Config.Handler)
	if err := os.WriteFile(filepath.Join(string(home), addressFile), []byte(front), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := home.claim(t.Context(), "http://127.0.0.1:1"); err == nil || !strings.Contains(err.Error(), front) {
		t.Errorf("a second server: %v", err)
	}
}
