// Package secretsmanager keeps key rings in AWS Secrets Manager, each ring in one secret. It is the
// only package that imports the Secrets Manager client.
//
//	source := secretsmanager.New(config).Secret(arn)
//	ring, err := keyrings.Load(ctx, source, keyrings.SigningRing)
//
// Secrets Manager has no compare-and-set. But a version of a secret is written only once: a second
// write with the same token and a different text fails. So the token contains the ring's serial. If
// two writers save the same serial, one succeeds and the other must start again.
package secretsmanager

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager/types"

	"github.com/edgeauth/edgeauth/internal/awsclient"
	"github.com/edgeauth/edgeauth/internal/keyrings"
	"github.com/edgeauth/edgeauth/pkg/auth"
)

const (
	visiblePoll = 100 * time.Millisecond
	maxBytes    = 64 << 10 // bound for a secret's text
)

// Client accesses the secrets of one account. It is safe for concurrent use.
type Client struct{ api *secretsmanager.Client }

// New returns a client for a configuration. It does no I/O.
func New(c awsclient.Config) *Client {
	o := c.Options()
	return &Client{secretsmanager.New(secretsmanager.Options{
		Region: o.Region, BaseEndpoint: o.BaseEndpoint, Credentials: o.Credentials, HTTPClient: o.HTTPClient, Retryer: o.Retryer,
	})}
}

// Secret returns the source for the ring in a secret. A new secret without a value and a missing
// secret count as no ring.
func (c *Client) Secret(arn string) keyrings.Source { return secret{c.api, arn} }

type secret struct {
	api *secretsmanager.Client
	arn string
}

// Load implements keyrings.Source. The error wraps auth.ErrNotFound if the secret or its value is
// missing, and keyrings.ErrMalformed if the value is not a text. Any other error wraps
// auth.ErrUnavailable, because a new role may get its permission in a moment.
func (s secret) Load(ctx context.Context) (auth.Secret, error) {
	ctx, cancel := context.WithTimeout(ctx, awsclient.CallTimeout)
	defer cancel()
	out, err := s.api.GetSecretValue(ctx, &secretsmanager.GetSecretValueInput{SecretId: &s.arn})
	switch {
	case err != nil:
		return auth.Secret{}, s.failed("read", "secretsmanager:GetSecretValue", "kms:Decrypt", err)
	case out.SecretString == nil:
		return auth.Secret{}, fmt.Errorf("secret %s: %w: it holds bytes instead of text", s.arn, keyrings.ErrMalformed)
	}
	return auth.NewSecret(*out.SecretString), nil
}

// Save adds a version to the secret and makes it the current version.
func (s secret) Save(ctx context.Context, text auth.Secret) error {
	if size := len(text.Reveal()); size > maxBytes {
		return fmt.Errorf("secret %s: the ring has %d bytes (a secret holds at most %d)", s.arn, size, maxBytes)
	}
	stored, err := s.Load(ctx)
	if err != nil && !errors.Is(err, auth.ErrNotFound) {
		return err
	}
	if err := keyrings.Follows(stored, text); err != nil {
		return fmt.Errorf("secret %s: %w", s.arn, err)
	}
	serial, err := keyrings.Serial(text)
	if err != nil {
		return err
	}
	err = s.put(ctx, serial, text)
	var exists *types.ResourceExistsException
	switch {
	case err == nil:
		return nil
	case errors.As(err, &exists):
		if !s.visible(ctx, serial) {
			return fmt.Errorf("secret %s: %w: its version %s exists and is not the current one; "+
				"if AWSCURRENT was moved back by hand, move it forward again",
				s.arn, keyrings.ErrConflict, versionID(serial))
		}
		return fmt.Errorf("secret %s: %w: another writer has written the state %d", s.arn, keyrings.ErrConflict, serial)
	}
	return s.failed("write", "secretsmanager:PutSecretValue", "kms:GenerateDataKey", err)
}

// put writes the state of a serial, which can be written only once. A repetition with the same text
// succeeds, so the SDK may retry after a lost reply.
func (s secret) put(ctx context.Context, serial uint64, text auth.Secret) error {
	ctx, cancel := context.WithTimeout(ctx, awsclient.CallTimeout)
	defer cancel()
	value := text.Reveal()
	_, err := s.api.PutSecretValue(ctx, &secretsmanager.PutSecretValueInput{
		SecretId: &s.arn, SecretString: &value, ClientRequestToken: aws.String(versionID(serial)),
		VersionStages: []string{"AWSCURRENT"},
	})
	return err
}

// versionID returns the token for a state. Secrets Manager requires 32 to 64 characters.
func versionID(serial uint64) string { return fmt.Sprintf("edgeauth-ring-serial-%020d", serial) }

// visible waits for a limited time until the state of a faster writer can be read. A read may be
// older than the last write, and a retry must not start from an old state.
func (s secret) visible(ctx context.Context, serial uint64) bool {
	ctx, cancel := context.WithTimeout(ctx, awsclient.CallTimeout)
	defer cancel()
	for {
		text, err := s.Load(ctx)
		if got, malformed := keyrings.Serial(text); err == nil && (malformed != nil || got >= serial) {
			return true
		}
		select {
		case <-ctx.Done():
			return false
		case <-time.After(visiblePoll):
		}
	}
}

// failed returns the meaning of a client error. It names a missing permission, because a missing
// permission is the most frequent fault.
func (s secret) failed(doing, permission, ofOwnKey string, err error) error {
	var missing *types.ResourceNotFoundException
	var refused interface{ ErrorCode() string }
	switch {
	case errors.As(err, &missing):
		return fmt.Errorf("secret %s: %w: %s", s.arn, auth.ErrNotFound, missing.ErrorMessage())
	case errors.As(err, &refused) && refused.ErrorCode() == "AccessDeniedException":
		return fmt.Errorf("secret %s: %w: this role may not %s it (it needs %s, and %s for a key of your own): %w",
			s.arn, auth.ErrUnavailable, doing, permission, ofOwnKey, err)
	}
	return fmt.Errorf("secret %s: %w: %w", s.arn, auth.ErrUnavailable, err)
}
