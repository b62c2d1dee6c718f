package main

import (
	"errors"

	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/keyring/secretsmanager"
)

// environment reads how to reach Secrets Manager from the variables that Lambda sets, by the AWS SDKs' own names. The
// endpoint is for a stand-in. Its error names every variable that is missing.
func environment(lookup func(name string) (string, bool)) (secretsmanager.Config, error) {
	var errs []error
	required := func(name, want string) string {
		text, _ := lookup(name)
		if text == "" {
			errs = append(errs, errors.New(name+" is not set: it should hold "+want))
		}
		return text
	}
	endpoint, _ := lookup("AWS_ENDPOINT_URL_SECRETS_MANAGER")
	session, _ := lookup("AWS_SESSION_TOKEN")
	c := secretsmanager.Config{
		Endpoint: endpoint,
		Region:   required("AWS_REGION", "the AWS Region of the secrets, as in eu-central-1"),
		Credentials: secretsmanager.Credentials{
			AccessKeyID:     required("AWS_ACCESS_KEY_ID", "an AWS access key id; any text does for a stand-in"),
			SecretAccessKey: auth.NewSecret(required("AWS_SECRET_ACCESS_KEY", "the access key's secret; any text does for a stand-in")),
			SessionToken:    auth.NewSecret(session),
		},
	}
	return c, errors.Join(errs...)
}
