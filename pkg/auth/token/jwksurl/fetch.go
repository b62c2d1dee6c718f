package jwksurl

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net/http"

	"github.com/edgeauth/edgeauth/pkg/auth/token"
)

// newClient returns a client that contacts only the URL of its requests: it follows no redirect.
func newClient(roots *x509.CertPool) *http.Client {
	return &http.Client{
		Transport: &http.Transport{
			Proxy:                  http.ProxyFromEnvironment, // a proxy sees only a TLS tunnel, and nothing of loopback
			TLSClientConfig:        &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12},
			MaxResponseHeaderBytes: token.MaxJWKSBytes,
			ForceAttemptHTTP2:      true,
			// Requests are at least a minute apart, and Lambda freezes the process between them. An
			// idle connection would often be dead and fail the next request.
			DisableKeepAlives: true,
		},
		// Following a redirect would let an attacker choose the keys, for example through an open
		// redirector on the issuer's host.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Timeout:       timeout,
	}
}

func fetch(ctx context.Context, client *http.Client, url string) (token.KeySet, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return token.KeySet{}, err
	}
	request.Header.Set("Accept", "application/jwk-set+json, application/json") // RFC 7517, section 8.5.2
	response, err := client.Do(request)
	if err != nil {
		return token.KeySet{}, err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return token.KeySet{}, fmt.Errorf("the answer's status is %d", response.StatusCode)
	}
	// The limit is one byte above the maximum, so that ParseForeignJWKS refuses a longer set. It
	// counts the bytes of a compressed body after decompression.
	body, err := io.ReadAll(io.LimitReader(response.Body, token.MaxJWKSBytes+1))
	if err != nil {
		return token.KeySet{}, errors.Join(errors.New("the answer broke off"), err)
	}
	return token.ParseForeignJWKS(body)
}
