// Package awsclient holds what edgeauth's AWS clients have in common: where the service is, the
// credentials, and how long a call may take.
//
//	o := awsclient.Config{Region: "eu-central-1", Credentials: credentials}.Options()
//	client := dynamodb.New(dynamodb.Options{
//		Region: o.Region, BaseEndpoint: o.BaseEndpoint, Credentials: o.Credentials, HTTPClient: o.HTTPClient, Retryer: o.Retryer,
//	})
//
// The options are set one by one: loading them with the SDK's package config would cost 2 MB and a
// millisecond of every start.
package awsclient

import (
	"context"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"

	"github.com/edgeauth/edgeauth/internal/config"
	"github.com/edgeauth/edgeauth/pkg/auth"
)

// CallTimeout bounds one call with its retries. The rules of rotation count on an answer within 45
// seconds of its request, and a function reads its rings while it starts, which may take ten
// seconds.
const CallTimeout = 5 * time.Second

// MaxAttempts is how often a client sends a request that gets no answer or is throttled.
const MaxAttempts = 3

const (
	attemptTimeout = 2 * time.Second // of one HTTP request
	maxBackoff     = 300 * time.Millisecond
)

// Config describes how to reach a service.
type Config struct {
	Region      string
	Endpoint    string // the URL of a local engine or a stand-in; empty means AWS's own
	Credentials Credentials
	// Transport carries the requests; nil means a transport of net/http with its own pool.
	Transport http.RoundTripper
}

// Credentials sign requests. The session token is that of temporary credentials, or empty.
type Credentials struct {
	AccessKeyID     string
	SecretAccessKey auth.Secret
	SessionToken    auth.Secret
}

// Of returns the Config of the account that a names and of a service at endpoint, which may be
// empty.
func Of(a config.AWS, endpoint string) Config {
	return Config{
		Region: a.Region, Endpoint: endpoint,
		Credentials: Credentials{AccessKeyID: a.AccessKeyID, SecretAccessKey: a.SecretAccess, SessionToken: a.SessionSecret},
	}
}

// Options are the fields of the same names in the Options of every SDK client.
type Options struct {
	Region       string
	BaseEndpoint *string
	Credentials  aws.CredentialsProvider
	HTTPClient   *http.Client
	Retryer      aws.Retryer
}

// Options returns the options of a client. It does no I/O.
func (c Config) Options() Options {
	o := Options{
		Region: c.Region,
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{
				AccessKeyID: c.Credentials.AccessKeyID, SecretAccessKey: c.Credentials.SecretAccessKey.Reveal(),
				SessionToken: c.Credentials.SessionToken.Reveal(), Source: "edgeauth",
			}, nil
		}),
		HTTPClient: &http.Client{Transport: c.Transport, Timeout: attemptTimeout},
		Retryer: retry.NewStandard(func(o *retry.StandardOptions) {
			o.MaxAttempts, o.MaxBackoff = MaxAttempts, maxBackoff
		}),
	}
	if c.Transport == nil {
		own := http.DefaultTransport.(*http.Transport).Clone()
		own.MaxIdleConnsPerHost = 100 // parallel calls must not close each other's connections
		o.HTTPClient.Transport = own
	}
	if c.Endpoint != "" {
		o.BaseEndpoint = &c.Endpoint
	}
	return o
}
