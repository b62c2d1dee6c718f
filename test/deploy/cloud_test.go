package deploy_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/edgeauth/edgeauth/test/engine"
)

const region = "us-east-1"

// cloud is a running emulator of AWS. It has one account, which the tests own.
type cloud struct {
	url    string // https://localhost:port
	client *http.Client

	process   *engine.Process
	address   string // host:port
	authority string // the file with the certificate, which is its own authority
	key       string // the file with the key of the certificate
}

// startCloud starts the emulator. The emulator writes only into folder.
func startCloud(folder string) (*cloud, error) {
	python, err := filepath.Abs(filepath.Join(cache, "deploy", "bin", "python"))
	if err != nil {
		return nil, err
	}
	script, err := filepath.Abs("emulator.py")
	if err != nil {
		return nil, err
	}
	c := &cloud{authority: filepath.Join(folder, "certificate.pem"), key: filepath.Join(folder, "key.pem")}
	roots, err := makeCertificate(c.authority, c.key)
	if err != nil {
		return nil, err
	}
	c.client = &http.Client{
		Timeout: time.Minute,
		Transport: &http.Transport{
			// Every name, including AWS's, leads to the emulator: it reads the name in the request.
			TLSClientConfig: &tls.Config{RootCAs: roots, ServerName: "localhost"},
			DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
				return new(net.Dialer).DialContext(ctx, network, c.address)
			},
		},
	}
	c.process, err = engine.Start(engine.Program{
		Folder: folder,
		// The environment contains nothing of this machine's own AWS account.
		Command: func(port string) []string {
			url := "https://localhost:" + port
			return []string{
				"env", "-i", "PATH=" + os.Getenv("PATH"), "HOME=" + folder, "TMPDIR=" + folder,
				"GATEWAY_PORT=" + port, "BIND_HOST=127.0.0.1", "MINISTACK_HOST=localhost", "MINISTACK_REGION=" + region,
				"USE_SSL=1", "MINISTACK_SSL_CERT=" + c.authority, "MINISTACK_SSL_KEY=" + c.key,
				"AUTH=true",           // evaluate the policies of roles
				"IOT_MTLS_ENABLED=0",  // no other port
				"SFTP_ENABLED=0",      // no other port
				"DOCKER_HOST=unix://", // functions run as processes, also on a machine with Docker
				// The functions inherit the rest.
				"SSL_CERT_FILE=" + c.authority, "AWS_EC2_METADATA_DISABLED=true",
				"AWS_ENDPOINT_URL=" + url, "AWS_ENDPOINT_URL_SECRETS_MANAGER=" + url, "AWS_ENDPOINT_URL_DYNAMODB=" + url,
				"AWS_ENDPOINT_URL_LAMBDA=" + url, "AWS_ENDPOINT_URL_SESV2=" + url,
				python, "-B", script,
			}
		},
		Answers: func(address string) error {
			c.address = address
			answer, err := c.client.Get("https://localhost/_ministack/health")
			if err != nil {
				return err
			}
			if err := answer.Body.Close(); err != nil || answer.StatusCode != http.StatusOK {
				return errors.New(answer.Status)
			}
			return nil
		},
	})
	if err != nil {
		return nil, fmt.Errorf("MiniStack: %w", err)
	}
	_, port, err := net.SplitHostPort(c.address)
	c.url = "https://localhost:" + port
	return c, err
}

// environment returns the environment of a program that uses the emulator in place of AWS.
func (c *cloud) environment(more ...string) []string {
	var all []string
	for _, v := range os.Environ() {
		if !strings.HasPrefix(v, "AWS_") {
			all = append(all, v)
		}
	}
	all = append(all, "AWS_CONFIG_FILE="+os.DevNull, "AWS_SHARED_CREDENTIALS_FILE="+os.DevNull, "AWS_EC2_METADATA_DISABLED=true",
		"AWS_ENDPOINT_URL="+c.url, "AWS_REGION="+region, "AWS_DEFAULT_REGION="+region,
		"AWS_ACCESS_KEY_ID=test", "AWS_SECRET_ACCESS_KEY=test",
		"AWS_CA_BUNDLE="+c.authority, "SSL_CERT_FILE="+c.authority, "SAM_CLI_TELEMETRY=0")
	return append(all, more...)
}

// makeCertificate makes a certificate for the addresses of the emulator, which are all on this
// machine, and returns it as the only trusted root.
func makeCertificate(certificate, key string) (*x509.CertPool, error) {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	now := time.Now()
	der, err := x509.CreateCertificate(rand.Reader, &x509.Certificate{
		SerialNumber: big.NewInt(now.UnixNano()), Subject: pkix.Name{CommonName: "emulator"},
		NotBefore: now.Add(-time.Hour), NotAfter: now.Add(24 * time.Hour),
		DNSNames:              []string{"localhost", "*.execute-api.localhost", domain},
		BasicConstraintsValid: true, IsCA: true,
	}, &x509.Certificate{Subject: pkix.Name{CommonName: "emulator"}}, &private.PublicKey, private)
	if err != nil {
		return nil, err
	}
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(text)
	der, err = x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		return nil, err
	}
	return roots, errors.Join(
		os.WriteFile(certificate, text, 0o600),
		os.WriteFile(key, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), 0o600))
}
