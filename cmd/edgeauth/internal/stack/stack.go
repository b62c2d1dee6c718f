// Package stack finds what a deployed stack of template.yaml is made of: CloudFormation tells the tables, the secrets,
// the issuer and the version of the keys. It reads, and nothing else.
package stack

import (
	"context"
	"errors"
	"fmt"
	"os"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsconfig "github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/aws/smithy-go/logging"

	"github.com/edgeauth/edgeauth/internal/config"
	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/keyring"
)

// Stack is a deployed stack, as far as it concerns whoever looks after its users and keys.
type Stack struct {
	Name, Region string
	Status       string // CloudFormation's own word, as in UPDATE_COMPLETE
	Issuer       string
	Audience     []string // of access tokens; at least one
	JWKS         string   // the address of the public keys
	Authorizer   string   // the ARN that other APIs attach
	// KeyVersion is what the latest deployment asked for. While one is on its way, functions may still be behind.
	KeyVersion                   keyring.Version
	SigningSecret, RefreshSecret string // ARNs
	// LoginSecret is the ARN of the login ring's secret. It is empty until a stack that was deployed without a login
	// ring is deployed again.
	LoginSecret string

	tables  config.DynamoDB
	secrets config.SecretsManager
}

// Stores says how to reach the stack's tables.
func (s Stack) Stores() config.Stores { return config.Stores{DynamoDB: s.tables} }

// Secrets says how to reach the stack's secrets.
func (s Stack) Secrets() config.SecretsManager { return s.secrets }

// Settled tells whether the stack's latest deployment has ended well, or was rolled back.
func (s Stack) Settled() bool { return strings.HasSuffix(s.Status, "_COMPLETE") }

var aName = regexp.MustCompile(`^([a-zA-Z][-a-zA-Z0-9]{0,127}|arn:[-a-z]+:cloudformation:[-a-zA-Z0-9:/]+)$`)

// IsName tells whether a text could name a stack: by its name, or by its ARN.
func IsName(text string) bool { return aName.MatchString(text) }

// patience bounds everything before the first answer. A program that gives credentials may ask its user for a code.
const patience = 2 * time.Minute

// Describe asks CloudFormation about a stack, with the credentials and in the Region that AWS's own tools would find:
// from the environment, a profile, a sign-on or the machine's role. They are resolved here, once, and serve for
// whatever is done with the stack.
func Describe(ctx context.Context, name string) (Stack, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	// What the SDK would print on its own is told by the errors.
	cfg, err := awsconfig.LoadDefaultConfig(ctx, awsconfig.WithLogger(logging.Nop{}))
	if err != nil {
		return Stack{}, withoutCredentials(err)
	}
	if cfg.Region == "" {
		return Stack{}, errors.New("there is no AWS Region: AWS_REGION names one, as in eu-central-1, or the profile does")
	}
	credentials, err := cfg.Credentials.Retrieve(ctx)
	if err != nil {
		return Stack{}, withoutCredentials(err)
	}
	client := cloudformation.NewFromConfig(cfg)
	out, err := client.DescribeStacks(ctx, &cloudformation.DescribeStacksInput{StackName: &name})
	switch {
	case isMissing(err), err == nil && len(out.Stacks) == 0:
		return Stack{}, fmt.Errorf("there is no stack %s in %s of this account: AWS_REGION and AWS_PROFILE name others",
			name, cfg.Region)
	case err != nil:
		return Stack{}, Explain(fmt.Errorf("asking CloudFormation in %s for the stack %s: %w", cfg.Region, name, err))
	}
	account := config.AWS{
		Region: cfg.Region, AccessKeyID: credentials.AccessKeyID,
		SecretAccess: auth.NewSecret(credentials.SecretAccessKey), SessionSecret: auth.NewSecret(credentials.SessionToken),
	}
	s := Stack{
		Name: name, Region: cfg.Region, Status: string(out.Stacks[0].StackStatus),
		tables:  config.DynamoDB{Endpoint: endpoint(cfg, config.DynamoDBEndpoint), AWS: account},
		secrets: config.SecretsManager{Endpoint: endpoint(cfg, config.SecretsManagerEndpoint), AWS: account},
	}
	return s, s.read(out.Stacks[0])
}

// endpoint returns the URL of a stand-in: one of the variable's own, or one for all services.
func endpoint(cfg aws.Config, variable string) string {
	if own := os.Getenv(variable); own != "" {
		return own
	}
	return aws.ToString(cfg.BaseEndpoint)
}

// read takes what the template gives a stack, and names all that is missing.
func (s *Stack) read(described types.Stack) error {
	outputs, parameters := map[string]string{}, map[string]string{}
	for _, o := range described.Outputs {
		outputs[aws.ToString(o.OutputKey)] = aws.ToString(o.OutputValue)
	}
	for _, p := range described.Parameters {
		parameters[aws.ToString(p.ParameterKey)] = aws.ToString(p.ParameterValue)
	}
	var missing []string
	for _, output := range []struct {
		name string
		to   *string
	}{
		{"Issuer", &s.Issuer}, {"Jwks", &s.JWKS}, {"AuthorizerArn", &s.Authorizer},
		{"SigningSecret", &s.SigningSecret}, {"RefreshSecret", &s.RefreshSecret},
		{"UsersTable", &s.tables.Users}, {"SessionsTable", &s.tables.Sessions}, {"AttemptsTable", &s.tables.Attempts},
	} {
		if *output.to = outputs[output.name]; *output.to == "" {
			missing = append(missing, output.name)
		}
	}
	switch what := strings.Join(missing, ", "); {
	case missing != nil && strings.HasSuffix(s.Status, "_IN_PROGRESS"):
		return fmt.Errorf("the stack %s is %s, and does not say yet what its %s is: try again when the deployment has ended",
			s.Name, s.Status, what)
	case missing != nil:
		return fmt.Errorf("the stack %s (%s) has no output %s: it is not one that edgeauth's template.yaml has made, "+
			"or its deployment failed", s.Name, s.Status, what)
	}
	s.LoginSecret = outputs["LoginSecret"]
	if s.Audience = strings.Fields(parameters["Audience"]); len(s.Audience) == 0 {
		s.Audience = []string{s.Issuer}
	}
	n, err := strconv.ParseUint(parameters["KeyVersion"], 10, 16)
	if s.KeyVersion = keyring.Version(n); err != nil || n == 0 {
		return fmt.Errorf("the stack %s (%s) has no parameter KeyVersion with a version of the keys: "+
			"it is not one that edgeauth's template.yaml has made", s.Name, s.Status)
	}
	return nil
}
