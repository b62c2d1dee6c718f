package config

import (
	"net/url"
	"strings"

	"github.com/edgeauth/edgeauth/pkg/auth"
)

// AWS is a Region, with the credentials that sign requests there.
type AWS struct {
	Region        string
	AccessKeyID   string
	SecretAccess  auth.Secret
	SessionSecret auth.Secret // of temporary credentials; otherwise empty
}

// aws reads the variables once, so that each missing variable is reported once.
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

// SecretsManager describes how to reach AWS Secrets Manager.
type SecretsManager struct {
	Endpoint string // of a stand-in; empty means AWS
	AWS
}

// SecretsManager returns how to reach AWS Secrets Manager.
func (e *Environment) SecretsManager() SecretsManager {
	var s SecretsManager
	s.Endpoint, _ = e.optional(SecretsManagerEndpoint)
	s.AWS = e.aws()
	return s
}

// SecretsManagerOf returns how to reach AWS Secrets Manager if one of the rings is stored there.
// Otherwise it does not read the variables.
func (e *Environment) SecretsManagerOf(rings ...auth.Secret) SecretsManager {
	for _, ring := range rings {
		if _, ok := SecretARN(ring); ok {
			return e.SecretsManager()
		}
	}
	return SecretsManager{}
}

// Emulator returns the base URL of an emulator of AWS that this process runs in, or "". A deployed
// function has no emulator.
func (e *Environment) Emulator() string {
	text, ok := e.optional(EmulatorEndpoint)
	if !ok {
		return ""
	}
	if u, err := url.Parse(text); err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		e.refuse(EmulatorEndpoint, "is not an http or https URL", "the base URL of an emulator of AWS, or nothing")
		return ""
	}
	return text
}

// IsStackID reports whether a text has the form of a CloudFormation stack id:
//
//	arn:<partition>:cloudformation:<region>:<account>:stack/<name>/<guid>
//
// It uses no regular expression: package regexp would cost the authorizer a tenth of a megabyte.
func IsStackID(text string) bool {
	part := strings.Split(text, ":")
	if len(part) != 6 || part[0] != "arn" || part[2] != "cloudformation" {
		return false
	}
	resource := strings.Split(part[5], "/")
	return only(part[1], lower+"-") && only(part[3], lower+digits+"-") && len(part[4]) == 12 && only(part[4], digits) &&
		len(resource) == 3 && resource[0] == "stack" && only(resource[1], lower+upper+digits+"-") && only(resource[2], lower+upper+digits+"-")
}

const (
	lower  = "abcdefghijklmnopqrstuvwxyz"
	upper  = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	digits = "0123456789"
)

// only reports whether all characters of a non-empty text are in a set.
func only(text, of string) bool {
	return text != "" && strings.Trim(text, of) == ""
}

// StackID returns the id of the CloudFormation stack that this process belongs to.
func (e *Environment) StackID() string {
	const want = "the id of this function's own stack, as in " +
		"arn:aws:cloudformation:eu-central-1:123456789012:stack/name/5b918d10-cd98-11ea-90d5-0a9cd3354c10"
	text, ok := e.required(StackID, want)
	if ok && !IsStackID(text) {
		e.refuse(StackID, "is not the id of a stack", want)
		return ""
	}
	return text
}

// SecretARN returns the ARN of the secret in the value of a ring.
func SecretARN(ring auth.Secret) (arn string, ok bool) {
	return strings.CutPrefix(ring.Reveal(), "secretsmanager:")
}
