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

// newClient returns a client that goes where it is sent and nowhere else.
func newClient(roots *x509.CertPool) *http.Client {
	return &http.Client{
		Transport: &http.Transport{
			Proxy:                  http.ProxyFromEnvironment, // which sees a tunnel: the URL is https
			TLSClientConfig:        &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12},
			MaxResponseHeaderBytes: token.MaxJWKSBytes,
			ForceAttemptHTTP2:      true,
			// Between two requests lies a minute at least, and on Lambda a frozen process: a connection that died meanwhile
			// would fail each of them in turn.
			DisableKeepAlives: true,
		},
		// Whoever can redirect, by an open redirector on the issuer's host or a hijacked path, would choose our keys.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Timeout:       Timeout,
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
	// One byte more than ParseForeignJWKS takes: it says so of a longer set. A compressed body is counted as it unfolds.
	body, err := io.ReadAll(io.LimitReader(response.Body, token.MaxJWKSBytes+1))
	if err != nil {
		return token.KeySet{}, errors.Join(errors.New("the answer broke off"), err)
	}
	return token.ParseForeignJWKS(body)
}
