package config

import (
	"strings"

	"github.com/edgeauth/edgeauth/pkg/auth"
)

// AWS is the Region, and the credentials that sign requests there.
type AWS struct {
	Region        string
	AccessKeyID   string
	SecretAccess  auth.Secret
	SessionSecret auth.Secret // of temporary credentials; empty for others
}

// aws reads them once, however many ask, so that each is missed once.
func (e *Environment) aws() AWS {
	if e.account != nil {
		return *e.account
	}
	var a AWS
	a.Region, _ = e.required(Region, "the AWS Region of tables and secrets, as in eu-central-1")
	a.AccessKeyID, _ = e.required(AccessKeyID, "an AWS access key id; any text does for a local engine")
	secret, _ := e.required(SecretAccessKey, "the access key's secret; any text does for a local engine")
	session, _ := e.optional(SessionToken)
	a.SecretAccess, a.SessionSecret = auth.NewSecret(secret), auth.NewSecret(session)
	e.account = &a
	return a
}

// SecretsManager is how to reach AWS Secrets Manager.
type SecretsManager struct {
	Endpoint string // of a stand-in; empty means AWS's own
	AWS
}

// SecretsManager returns how to reach it.
func (e *Environment) SecretsManager() SecretsManager {
	var s SecretsManager
	s.Endpoint, _ = e.optional(SecretsManagerEndpoint)
	s.AWS = e.aws()
	return s
}

// SecretsManagerOf returns how to reach it where one of the rings is there; nobody else needs its variables.
func (e *Environment) SecretsManagerOf(rings ...auth.Secret) SecretsManager {
	for _, ring := range rings {
		if _, ok := SecretARN(ring); ok {
			return e.SecretsManager()
		}
	}
	return SecretsManager{}
}

// SecretARN returns the ARN of the secret that a ring's value names.
func SecretARN(ring auth.Secret) (arn string, ok bool) {
	return strings.CutPrefix(ring.Reveal(), "secretsmanager:")
}
