// Package secretsmanager keeps rings in AWS Secrets Manager, each in one secret. It is the only importer of the
// Secrets Manager client.
//
// The service has no compare-and-set, but a version of a secret is written once: a second write with its token and
// another text fails. So the token is made from the ring's serial, and of two writers that made the same state, one
// wins and the other has to begin again.
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
	maxBytes    = 64 << 10 // of a secret's text
)

// Client reaches the secrets of one account. It is safe for concurrent use.
type Client struct{ api *secretsmanager.Client }

// New returns the client of c. It does no I/O.
func New(c awsclient.Config) *Client {
	o := c.Options()
	return &Client{secretsmanager.New(secretsmanager.Options{
		Region: o.Region, BaseEndpoint: o.BaseEndpoint, Credentials: o.Credentials, HTTPClient: o.HTTPClient, Retryer: o.Retryer,
	})}
}

// Secret returns the source of the ring in the secret of an ARN. A secret that is new and has no value yet holds no
// ring, as one that does not exist.
func (c *Client) Secret(arn string) keyrings.Source { return secret{c.api, arn} }

type secret struct {
	api *secretsmanager.Client
	arn string
}

// Load wraps auth.ErrNotFound where the secret or its value is missing, keyrings.ErrMalformed where it is no text, and
// auth.ErrUnavailable for everything else: a role that may not read it yet may do so in a moment.
func (s secret) Load(ctx context.Context) (auth.Secret, error) {
	ctx, cancel := context.WithTimeout(ctx, awsclient.CallTimeout)
	defer cancel()
	out, err := s.api.GetSecretValue(ctx, &secretsmanager.GetSecretValueInput{SecretId: &s.arn})
	switch {
	case err != nil:
		return auth.Secret{}, s.failed("read", "secretsmanager:GetSecretValue", "kms:Decrypt", err)
	case out.SecretString == nil:
		return auth.Secret{}, fmt.Errorf("secret %s: %w: it holds bytes and no text", s.arn, keyrings.ErrMalformed)
	}
	return auth.NewSecret(*out.SecretString), nil
}

// Save adds a version to the secret and makes it the current one.
func (s secret) Save(ctx context.Context, text auth.Secret) error {
	if size := len(text.Reveal()); size > maxBytes {
		return fmt.Errorf("secret %s: the ring has %d bytes, and a secret holds %d", s.arn, size, maxBytes)
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
		return fmt.Errorf("secret %s: %w: another has made the state %d", s.arn, keyrings.ErrConflict, serial)
	}
	return s.failed("write", "secretsmanager:PutSecretValue", "kms:GenerateDataKey", err)
}

// put writes the state of a serial, which can only be written once. A repetition of the same text succeeds, so that
// the SDK's own retry after a lost reply does.
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

// versionID returns the token of a state; the service asks for 32 to 64 characters.
func versionID(serial uint64) string { return fmt.Sprintf("edgeauth-ring-serial-%020d", serial) }

// visible waits for a while until the state that was faster can be read: reads may be older than writes, and who begins
// again must not begin from the state before.
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

// failed says what an error of the client means. What a role lacks is spelled out, since it is what goes wrong most
// often, and the service says it in a long sentence.
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
