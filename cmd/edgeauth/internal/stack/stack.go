// Package stack reads what a deployed stack of template.yaml consists of: CloudFormation returns
// the tables, the secrets, the issuer and the version of the keys.
//
//	s, err := stack.Describe(ctx, "auth")
//	stores, err := backend.OpenStores(s.Stores())
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
	"github.com/edgeauth/edgeauth/internal/keyrings"
	"github.com/edgeauth/edgeauth/pkg/auth"
)

// Stack is a deployed stack, as far as commands on users and keys need it.
type Stack struct {
	Name, Region string
	Status       string // as in CloudFormation, for example UPDATE_COMPLETE
	Issuer       string
	Audience     []string // of access tokens; at least one
	JWKS         string   // the URL of the public keys
	Authorizer   string   // the ARN of the authorizer, which other APIs attach
	// SessionAuthorizer is the ARN of the session authorizer. It is empty if the stack was last
	// deployed without it.
	SessionAuthorizer string
	// KeyVersion is the value of the latest deployment. During a deployment functions may still use
	// the previous version.
	KeyVersion                   keyrings.Version
	SigningSecret, RefreshSecret string // ARNs
	// LoginSecret is the ARN of the login ring's secret. It is empty if the stack was last deployed
	// without a login ring.
	LoginSecret string
	// SessionsNotBefore is the parameter of this name, or zero.
	SessionsNotBefore time.Time

	// Parameters are the values of the latest deployment.
	Parameters map[string]string

	cfg     func() aws.Config // a function, so that no way of printing a Stack shows the credentials
	tables  config.DynamoDB
	secrets config.SecretsManager
}

// Stores returns the settings of the stack's tables.
func (s Stack) Stores() config.Stores { return config.Stores{DynamoDB: s.tables} }

// Secrets returns the settings of the stack's secrets.
func (s Stack) Secrets() config.SecretsManager { return s.secrets }

// Settled reports whether the latest deployment succeeded or was rolled back.
func (s Stack) Settled() bool { return strings.HasSuffix(s.Status, "_COMPLETE") }

var aName = regexp.MustCompile(`^([a-zA-Z][-a-zA-Z0-9]{0,127}|arn:[-a-z]+:cloudformation:[-a-zA-Z0-9:/]+)$`)

// IsName reports whether text is a valid stack name or stack ARN.
func IsName(text string) bool { return aName.MatchString(text) }

// patience bounds the time until the first answer. A credentials program may ask the user for a
// code.
const patience = 2 * time.Minute

// Describe requests a stack from CloudFormation. It uses the credentials and the Region that AWS's
// own tools would use: from the environment, a profile, a sign-on session or the machine's role.
// The credentials are resolved once, and Stores and Secrets use them too.
func Describe(ctx context.Context, name string) (Stack, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	// The SDK does not log; errors say what it would print.
	cfg, err := awsconfig.LoadDefaultConfig(ctx, awsconfig.WithLogger(logging.Nop{}))
	if err != nil {
		return Stack{}, withoutCredentials(err)
	}
	if cfg.Region == "" {
		return Stack{}, errors.New("no AWS Region; set AWS_REGION, for example to eu-central-1, or the region of the profile")
	}
	credentials, err := cfg.Credentials.Retrieve(ctx)
	if err != nil {
		return Stack{}, withoutCredentials(err)
	}
	client := cloudformation.NewFromConfig(cfg)
	out, err := client.DescribeStacks(ctx, &cloudformation.DescribeStacksInput{StackName: &name})
	switch {
	case isMissing(err), err == nil && len(out.Stacks) == 0:
		return Stack{}, fmt.Errorf("the stack %s does not exist in %s of this account; choose others with AWS_REGION and AWS_PROFILE",
			name, cfg.Region)
	case err != nil:
		return Stack{}, Explain(fmt.Errorf("describe stack %s in %s: %w", name, cfg.Region, err))
	}
	account := config.AWS{
		Region: cfg.Region, AccessKeyID: credentials.AccessKeyID,
		SecretAccess: auth.NewSecret(credentials.SecretAccessKey), SessionSecret: auth.NewSecret(credentials.SessionToken),
	}
	s := Stack{
		cfg:  func() aws.Config { return cfg },
		Name: name, Region: cfg.Region, Status: string(out.Stacks[0].StackStatus),
		tables:  config.DynamoDB{Endpoint: endpoint(cfg, config.DynamoDBEndpoint), AWS: account},
		secrets: config.SecretsManager{Endpoint: endpoint(cfg, config.SecretsManagerEndpoint), AWS: account},
	}
	return s, s.read(out.Stacks[0])
}

// endpoint returns the URL of a stand-in: that of the variable, or the one for all services.
func endpoint(cfg aws.Config, variable string) string {
	if own := os.Getenv(variable); own != "" {
		return own
	}
	return aws.ToString(cfg.BaseEndpoint)
}

// read reads the outputs and parameters of the template. The error names every missing one.
func (s *Stack) read(described types.Stack) error {
	outputs, parameters := map[string]string{}, map[string]string{}
	for _, o := range described.Outputs {
		outputs[aws.ToString(o.OutputKey)] = aws.ToString(o.OutputValue)
	}
	for _, p := range described.Parameters {
		parameters[aws.ToString(p.ParameterKey)] = aws.ToString(p.ParameterValue)
	}
	s.Parameters = parameters
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
		return fmt.Errorf("the stack %s is %s and does not have these outputs yet: %s; try again after the deployment",
			s.Name, s.Status, what)
	case missing != nil:
		return fmt.Errorf("the stack %s (%s) lacks these outputs: %s; either edgeauth's template.yaml did not create it, "+
			"or its deployment failed", s.Name, s.Status, what)
	}
	s.LoginSecret, s.SessionAuthorizer = outputs["LoginSecret"], outputs["SessionAuthorizerArn"]
	if s.Audience = strings.Fields(parameters["Audience"]); len(s.Audience) == 0 {
		s.Audience = []string{s.Issuer}
	}
	n, err := strconv.ParseUint(parameters["KeyVersion"], 10, 16)
	if s.KeyVersion = keyrings.Version(n); err != nil || n == 0 {
		return fmt.Errorf("the stack %s (%s) has no valid parameter KeyVersion; "+
			"edgeauth's template.yaml did not create it", s.Name, s.Status)
	}
	if text := parameters["SessionsNotBefore"]; text != "" {
		if s.SessionsNotBefore, err = time.Parse(time.RFC3339, text); err != nil {
			return fmt.Errorf("the stack %s (%s) has no valid parameter SessionsNotBefore (want an instant such as 2026-01-02T15:04:05Z)",
				s.Name, s.Status)
		}
	}
	return nil
}
