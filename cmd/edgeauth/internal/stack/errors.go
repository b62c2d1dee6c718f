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

// The codes by which AWS's services say the same in their own words.
var (
	denied  = []string{"AccessDenied", "AccessDeniedException", "UnauthorizedOperation"}
	expired = []string{"ExpiredToken", "ExpiredTokenException", "TokenRefreshRequired", "RequestExpired"}
	unknown = []string{
		"InvalidClientTokenId", "UnrecognizedClientException", "InvalidAccessKeyId", "AuthFailure", "SignatureDoesNotMatch",
		"InvalidSignatureException", "IncompleteSignature", "IncompleteSignatureException", "MissingAuthenticationToken",
		"MissingAuthenticationTokenException", "NotAuthorized", "OptInRequired",
	}
)

// needs are the permissions that commands use, by the service's id in the SDK.
var needs = map[string]string{
	"CloudFormation": "cloudformation:DescribeStacks on the stack",
	"DynamoDB": "dynamodb:GetItem, PutItem, UpdateItem, DeleteItem, BatchWriteItem, Query and Scan " +
		"on the tables, of which reading takes GetItem, Query and Scan",
	"Secrets Manager": "secretsmanager:GetSecretValue on the three secrets, " +
		"and kms:Decrypt where they have a key of your own",
}

// explained is an error in words for whoever runs a command.
type explained struct {
	text string
	err  error
}

func (e *explained) Error() string { return e.text }
func (e *explained) Unwrap() error { return e.err }

// operation is what an error of the SDK knows about the call.
type operation interface {
	error
	Service() string
	Operation() string
}

// refusal is an error that a service answered with.
type refusal interface {
	error
	ErrorCode() string
	ErrorMessage() string
}

// Explain says in one line what an error of AWS means for whoever runs a command, and what would mend it. Other errors
// stay what they are.
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
		text := fmt.Sprintf("AWS denies %s to these credentials: %s", call, oneLine(why.ErrorMessage()))
		if need, ours := needs[of.Service()]; ours {
			text += "; needed is " + need
		}
		return &explained{text, err}
	case slices.Contains(expired, code):
		return &explained{`the AWS credentials have expired: get new ones, as with "aws sso login", and run this again`, err}
	case slices.Contains(unknown, code):
		// The message is left out: some hold the text that was to be signed.
		return &explained{fmt.Sprintf("AWS does not take these credentials (%s, %s): AWS_PROFILE, or AWS_ACCESS_KEY_ID and "+
			"AWS_SECRET_ACCESS_KEY, name others; a Region that the account has not enabled says so too", call, code), err}
	case throttled:
		return &explained{fmt.Sprintf("AWS is busy (%s, %s): run this again in a moment", call, code), err}
	}
	return err
}

// isMissing tells the one ValidationError that means that there is no such stack: it has no code of its own.
func isMissing(err error) bool {
	var why refusal
	return errors.As(err, &why) && why.ErrorCode() == "ValidationError" &&
		strings.Contains(why.ErrorMessage(), "does not exist")
}

// withoutCredentials says what to do where the chain of credentials has ended without any.
func withoutCredentials(err error) error {
	var (
		of        operation
		noProfile awsconfig.SharedConfigProfileNotExistError
		asksCode  awsconfig.AssumeRoleTokenProviderNotSetError
		signedOut *ssocreds.InvalidTokenError
		program   *processcreds.ProviderError
	)
	var why refusal
	rejected := errors.As(err, &why) && why.ErrorCode() == "UnauthorizedException" // by the sign-on, whose session is over
	// The SDK's newer form of a sign-on has no error of its own.
	unread := strings.Contains(err.Error(), "cached SSO token")
	say := func(format string, args ...any) error { return &explained{fmt.Sprintf(format, args...), err} }
	switch {
	case errors.As(err, &noProfile):
		return say(`there is no AWS profile %s: AWS_PROFILE names one, "aws configure list-profiles" lists them`,
			noProfile.Profile)
	case errors.As(err, &asksCode):
		return say("the AWS profile asks for a code, and this command does not: " +
			`eval "$(aws configure export-credentials --format env)" first`)
	case errors.As(err, &signedOut), rejected, unread:
		return say("there are no AWS credentials, because the sign-on has expired or never was: " +
			`"aws sso login" makes a new one`)
	case errors.As(err, &program):
		// The error may hold what the program printed, and with it the credentials.
		return say("there are no AWS credentials: the credential_process of the profile gives none; " +
			"run it by hand to see why")
	case errors.As(err, &of) && of.Service() == "ec2imds":
		// The last of the chain, so that nothing before it was configured.
		return say(`there are no AWS credentials: "aws configure" or "aws sso login" makes some, ` +
			"AWS_PROFILE or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY name them")
	}
	if err = Explain(err); errors.As(err, new(*explained)) {
		return err
	}
	return say("there are no AWS credentials: %s", oneLine(err.Error()))
}

func oneLine(text string) string { return strings.Join(strings.Fields(text), " ") }
