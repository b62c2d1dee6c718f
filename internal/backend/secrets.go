package backend

import (
	"github.com/edgeauth/edgeauth/internal/awsclient"
	"github.com/edgeauth/edgeauth/internal/config"
	"github.com/edgeauth/edgeauth/internal/secretsmanager"
)

// OpenSecrets returns a client of the Secrets Manager that c names. It does no I/O.
func OpenSecrets(c config.SecretsManager) *secretsmanager.Client {
	return secretsmanager.New(awsclient.Of(c.AWS, c.Endpoint))
}
