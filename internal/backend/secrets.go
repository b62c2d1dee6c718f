package backend

import (
	"github.com/edgeauth/edgeauth/internal/config"
	"github.com/edgeauth/edgeauth/internal/secretsmanager"
)

// OpenSecrets returns a client of the Secrets Manager that c names. It does no I/O.
func OpenSecrets(c config.SecretsManager) *secretsmanager.Client {
	return secretsmanager.New(secretsmanager.Config{
		Region: c.Region, Endpoint: c.Endpoint,
		Credentials: secretsmanager.Credentials{
			AccessKeyID: c.AccessKeyID, SecretAccessKey: c.SecretAccess, SessionToken: c.SessionSecret,
		},
	})
}
