// Package dynamo keeps users and sessions in DynamoDB tables. It is the only importer of the DynamoDB client.
//
// A session.Update becomes one UpdateItem, whose condition and assignments are rendered in update.go; the item as it
// was comes back whether the condition held or not, so a refresh needs no second call to know what happened.
package dynamo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/edgeauth/edgeauth/internal/awsclient"
	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/session"
)

// Config is where the tables are.
type Config struct {
	Region      string
	Credentials Credentials
	// Endpoint is the URL of a local engine; empty means AWS's own.
	Endpoint string
	Tables   Tables
	// Transport carries the requests; nil is one of net/http with a pool of its own.
	Transport http.RoundTripper
}

// Tables are the tables' names.
type Tables struct{ Users, Sessions, Attempts string }

// Credentials sign the requests. The session token is that of temporary credentials, or empty.
type Credentials struct {
	AccessKeyID     string
	SecretAccessKey auth.Secret
	SessionToken    auth.Secret
}

// DB is the tables. It is safe for concurrent use.
type DB struct {
	client *dynamodb.Client
	tables Tables
	http   *http.Client
	call   time.Duration // bounds one call of a store
}

// New returns the DB of c. It does no I/O.
func New(c Config) *DB {
	o := awsclient.Config{
		Region: c.Region, Endpoint: c.Endpoint, Credentials: awsclient.Credentials(c.Credentials), Transport: c.Transport,
	}.Options()
	client := dynamodb.New(dynamodb.Options{
		Region: o.Region, BaseEndpoint: o.BaseEndpoint, Credentials: o.Credentials, HTTPClient: o.HTTPClient, Retryer: o.Retryer,
	})
	return &DB{client: client, tables: c.Tables, http: o.HTTPClient, call: awsclient.CallTimeout}
}

// Connect opens a connection, so that the first call of a store need not: the handshake takes longer than the call. It
// asks for nothing and reports nothing; where it fails, that call will say so.
func (db *DB) Connect(ctx context.Context) {
	options := db.client.Options()
	at, err := options.EndpointResolverV2.ResolveEndpoint(ctx, dynamodb.EndpointParameters{
		Region: &options.Region, Endpoint: options.BaseEndpoint,
	})
	if err != nil {
		return
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, at.URI.String(), nil)
	if err != nil {
		return
	}
	answer, err := db.http.Do(r)
	if err != nil {
		return
	}
	_, _ = io.Copy(io.Discard, io.LimitReader(answer.Body, 1<<10)) // read to its end, a connection is kept
	_ = answer.Body.Close()
}

// bounded limits one call of a store in time.
func (db *DB) bounded(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(ctx, db.call)
}

// failed says what an error of the client means to a store's caller: nothing is known. What the engine answered by
// its rules (a condition that did not hold) never comes here.
func failed(doing string, err error) error {
	sentinel := auth.ErrUnavailable
	if throttled(err) {
		sentinel = session.ErrThrottled
	}
	return fmt.Errorf("%s: %w: %w", doing, sentinel, err)
}

func throttled(err error) bool {
	var code interface{ ErrorCode() string }
	if !errors.As(err, &code) {
		return false
	}
	_, found := retry.DefaultThrottleErrorCodes[code.ErrorCode()]
	return found
}

// conditionFailed returns the item that a failed condition was checked against, nil for none, and whether err is that.
func conditionFailed(err error) (item map[string]types.AttributeValue, ok bool) {
	var failed *types.ConditionalCheckFailedException
	if !errors.As(err, &failed) {
		return nil, false
	}
	if len(failed.Item) == 0 {
		return nil, true
	}
	return failed.Item, true
}
