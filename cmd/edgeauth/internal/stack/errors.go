package stack

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws/retry"
	awsconfig "github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials/processcreds"
	"github.com/aws/aws-sdk-go-v2/credentials/ssocreds"
)

// The error codes by which AWS services report the same problems.
var (
	denied  = []string{"AccessDenied", "AccessDeniedException", "UnauthorizedOperation"}
	expired = []string{"ExpiredToken", "ExpiredTokenException", "TokenRefreshRequired", "RequestExpired"}
	unknown = []string{
		"InvalidClientTokenId", "UnrecognizedClientException", "InvalidAccessKeyId", "AuthFailure", "SignatureDoesNotMatch",
		"InvalidSignatureException", "IncompleteSignature", "IncompleteSignatureException", "MissingAuthenticationToken",
		"MissingAuthenticationTokenException", "NotAuthorized", "OptInRequired",
	}
)

// needs maps the SDK's name of a service to the permissions that commands use.
var needs = map[string]string{
	"CloudFormation": "cloudformation:DescribeStacks on the stack",
	"CloudWatch":     "cloudwatch:DescribeAlarms for edgeauth doctor",
	"Lambda":         "lambda:GetFunctionConfiguration for edgeauth doctor",
	"DynamoDB": "dynamodb:GetItem, PutItem, UpdateItem, DeleteItem, BatchWriteItem, Query and Scan " +
		"on the tables (GetItem, Query and Scan to read)",
	"Secrets Manager": "secretsmanager:GetSecretValue on the three secrets, " +
		"and kms:Decrypt if they use a customer managed key",
}

// explained is an error with a text for the user of a command.
type explained struct {
	text string
	err  error
}

func (e *explained) Error() string { return e.text }
func (e *explained) Unwrap() error { return e.err }

// operation is the part of an SDK error that names the call.
type operation interface {
	error
	Service() string
	Operation() string
}

// refusal is an error answer of a service.
type refusal interface {
	error
	ErrorCode() string
	ErrorMessage() string
}

// Explain replaces an AWS error by one line that says what it means and how to fix it. Other errors
// are returned unchanged.
func Explain(err error) error {
	var done *explained
	var of operation
	var why refusal
	if errors.As(err, &done) || !errors.As(err, &of) || !errors.As(err, &why) {
		return err
	}
	code := why.ErrorCode()
	call := of.Service() + " " + of.Operation()
	_, throttled := retry.DefaultThrottleErrorCodes[code]
	switch {
	case slices.Contains(denied, code):
		text := fmt.Sprintf("access denied: these AWS credentials may not call %s: %s", call, oneLine(why.ErrorMessage()))
		if need, ours := needs[of.Service()]; ours {
			text += "; required: " + need
		}
		return &explained{text, err}
	case slices.Contains(expired, code):
		return &explained{`the AWS credentials have expired; get new ones, for example with "aws sso login", and run this again`, err}
	case slices.Contains(unknown, code):
		// The message is left out, because some messages contain the text that was signed.
		return &explained{fmt.Sprintf("AWS rejects these credentials (%s, %s); choose others with AWS_PROFILE, or AWS_ACCESS_KEY_ID and "+
			"AWS_SECRET_ACCESS_KEY. A Region that the account has not enabled gives the same error", call, code), err}
	case throttled:
		return &explained{fmt.Sprintf("AWS is busy (%s, %s); run this again in a moment", call, code), err}
	}
	return err
}

// isMissing reports whether err means that the stack does not exist. That error has no code of its
// own.
func isMissing(err error) bool {
	var why refusal
	return errors.As(err, &why) && why.ErrorCode() == "ValidationError" &&
		strings.Contains(why.ErrorMessage(), "does not exist")
}

// withoutCredentials says what to do if the SDK finds no credentials.
func withoutCredentials(err error) error {
	var (
		of        operation
		noProfile awsconfig.SharedConfigProfileNotExistError
		asksCode  awsconfig.AssumeRoleTokenProviderNotSetError
		signedOut *ssocreds.InvalidTokenError
		program   *processcreds.ProviderError
	)
	var why refusal
	rejected := errors.As(err, &why) && why.ErrorCode() == "UnauthorizedException" // by IAM Identity Center: the session is over
	// The SDK has no error type for an expired session of the newer form.
	unread := strings.Contains(err.Error(), "cached SSO token")
	say := func(format string, args ...any) error { return &explained{fmt.Sprintf(format, args...), err} }
	switch {
	case errors.As(err, &noProfile):
		return say(`the AWS profile %s does not exist; set AWS_PROFILE to one that "aws configure list-profiles" prints`,
			noProfile.Profile)
	case errors.As(err, &asksCode):
		return say("the AWS profile requires an MFA code, which this command cannot ask for; run " +
			`eval "$(aws configure export-credentials --format env)" first`)
	case errors.As(err, &signedOut), rejected, unread:
		return say("no AWS credentials: the sign-on session is missing or expired; " +
			`run "aws sso login"`)
	case errors.As(err, &program):
		// The error may contain the output of the program, and with it the credentials.
		return say("no AWS credentials: the credential_process of the profile failed; " +
			"run it by hand to see why")
	case errors.As(err, &of) && of.Service() == "ec2imds":
		// This is the last provider of the chain, so no earlier one is configured.
		return say(`no AWS credentials; run "aws configure" or "aws sso login", ` +
			"or set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY")
	}
	if err = Explain(err); errors.As(err, new(*explained)) {
		return err
	}
	return say("no AWS credentials: %s", oneLine(err.Error()))
}

func oneLine(text string) string { return strings.Join(strings.Fields(text), " ") }
