// Package dynamo keeps users, sessions and throttle counters in DynamoDB tables. It is the only
// package that imports the DynamoDB client.
//
//	config := dynamo.Config{Region: "eu-central-1", Credentials: credentials, Tables: tables}
//	db := dynamo.New(config)
//	users, sessions, counters := db.Users(), db.Sessions(), db.Counters()
//
// Each session.Update is one UpdateItem, whose condition and assignments are rendered in update.go.
// DynamoDB returns the old item even if the condition fails, so a refresh needs no second call to
// learn the reason.
package dynamo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/edgeauth/edgeauth/internal/awsclient"
	"github.com/edgeauth/edgeauth/internal/stopwatch"
	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/session"
)

// Config configures a [DB].
type Config struct {
	Region      string
	Credentials Credentials
	// Endpoint is the URL of a local engine. The default is the endpoint of AWS.
	Endpoint string
	Tables   Tables
	// Transport sends the requests. The default is an http.Transport with its own connection pool.
	Transport http.RoundTripper
}

// Tables are the names of the tables.
type Tables struct{ Users, Sessions, Attempts string }

// Credentials sign the requests. SessionToken belongs to temporary credentials and may be empty.
type Credentials struct {
	AccessKeyID     string
	SecretAccessKey auth.Secret
	SessionToken    auth.Secret
}

// DB is a set of stores in DynamoDB tables. It is safe for concurrent use.
type DB struct {
	client *dynamodb.Client
	tables Tables
	http   *http.Client
	call   time.Duration // time limit for one call of a store
	// emailPointersMoved says that the table of users has the mark.
	emailPointersMoved atomic.Bool
}

// New returns the DB for a Config. It does no I/O.
func New(c Config) *DB {
	o := awsclient.Config{
		Region: c.Region, Endpoint: c.Endpoint, Credentials: awsclient.Credentials(c.Credentials), Transport: c.Transport,
	}.Options()
	client := dynamodb.New(dynamodb.Options{
		Region: o.Region, BaseEndpoint: o.BaseEndpoint, Credentials: o.Credentials, HTTPClient: o.HTTPClient, Retryer: o.Retryer,
	})
	return &DB{client: client, tables: c.Tables, http: o.HTTPClient, call: awsclient.CallTimeout}
}

// Connect opens a connection in advance, because the handshake takes longer than a call. It
// requests no data and returns no error: if the connection fails, the first call of a store reports
// the failure.
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
	// The client keeps a connection only if the body is read to its end.
	_, _ = io.Copy(io.Discard, io.LimitReader(answer.Body, 1<<10))
	_ = answer.Body.Close()
}

// bounded adds the time limit for one call of a store, and starts the stopwatch of the request.
// cancel ends the call and the measurement.
func (db *DB) bounded(ctx context.Context) (_ context.Context, cancel context.CancelFunc) {
	done := stopwatch.Call(ctx)
	ctx, stop := context.WithTimeout(ctx, db.call)
	return ctx, func() { done(); stop() }
}

// failed turns an error of the client into auth.ErrUnavailable, because the outcome is unknown. A
// failed condition is an answer of the engine, and callers handle it before.
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

// conditionFailed reports whether err is a failed condition. item is the item that the condition
// was checked against, or nil.
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
