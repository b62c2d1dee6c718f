// Package ses sends mails through Amazon SES, and reads SES's reports about them. It is the only
// package that imports the client of SES.
//
//	sender := ses.New(config, configurationSet)
//	err := sender.Send(ctx, m)
package ses

import (
	"context"
	"errors"
	"net/mail"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sesv2"
	"github.com/aws/aws-sdk-go-v2/service/sesv2/types"
	"github.com/aws/smithy-go"

	"github.com/edgeauth/edgeauth/internal/awsclient"
	edgemail "github.com/edgeauth/edgeauth/pkg/auth/mail"
)

// Sender sends mails through one account. It is safe for concurrent use.
type Sender struct {
	api              *sesv2.Client
	configurationSet string
}

// New returns a Sender. The configuration set names where SES reports bounces and complaints; empty
// means the configuration set of the identity. It does no I/O.
func New(c awsclient.Config, configurationSet string) *Sender {
	o := c.Options()
	return &Sender{sesv2.New(sesv2.Options{
		Region: o.Region, BaseEndpoint: o.BaseEndpoint, Credentials: o.Credentials, HTTPClient: o.HTTPClient, Retryer: o.Retryer,
	}), configurationSet}
}

// Send implements mail.Sender. After a lost reply the client repeats the request, and the same mail may
// arrive twice.
func (s *Sender) Send(ctx context.Context, m edgemail.Mail) error {
	if strings.ContainsFunc(m.To, func(r rune) bool { return r >= 0x80 }) {
		return &edgemail.Failure{Reason: edgemail.ReasonAddress, Detail: "SES has no SMTPUTF8"}
	}
	ctx, cancel := context.WithTimeout(ctx, awsclient.CallTimeout)
	defer cancel()
	in := &sesv2.SendEmailInput{
		FromEmailAddress: aws.String((&mail.Address{Name: m.Name, Address: m.From}).String()),
		Destination:      &types.Destination{ToAddresses: []string{m.To}},
		Content: &types.EmailContent{Simple: &types.Message{
			Subject: text(m.Subject),
			Body:    &types.Body{Text: text(m.Text), Html: text(m.HTML)},
			// RFC 3834: no one on vacation answers.
			Headers: []types.MessageHeader{{Name: aws.String("Auto-Submitted"), Value: aws.String("auto-generated")}},
		}},
	}
	if s.configurationSet != "" {
		in.ConfigurationSetName = &s.configurationSet
	}
	if m.ReplyTo != "" {
		in.ReplyToAddresses = []string{m.ReplyTo}
	}
	if _, err := s.api.SendEmail(ctx, in); err != nil {
		return failed(err, m.To)
	}
	return nil
}

func text(s string) *types.Content {
	return &types.Content{Data: &s, Charset: aws.String("UTF-8")}
}

// failed returns the meaning of an error. Only the text of an SES error shows that the account is
// in the sandbox. The texts contain addresses, so the returned error has only the code.
func failed(err error, to string) error {
	var e smithy.APIError
	if !errors.As(err, &e) {
		return &edgemail.Failure{Reason: edgemail.ReasonUnreachable}
	}
	f := &edgemail.Failure{Reason: edgemail.ReasonUnreachable, Detail: e.ErrorCode()}
	message := strings.ToLower(e.ErrorMessage())
	switch e.ErrorCode() {
	case "MessageRejected":
		f.Reason = edgemail.ReasonContent
		if strings.Contains(message, "not verified") {
			// In the sandbox, SES refuses the receiver with the same error as a wrong sender.
			f.Reason = edgemail.ReasonSender
			if strings.Contains(message, strings.ToLower(to)) {
				f.Reason = edgemail.ReasonSandbox
			}
		}
	case "AccessDeniedException", "AccessDenied":
		f.Reason = edgemail.ReasonSender
		// In the sandbox, a verified receiver is an identity, which the policy of the role must
		// also name.
		if strings.Contains(message, ":identity/"+strings.ToLower(to)) {
			f.Reason = edgemail.ReasonSandbox
		}
	case "BadRequestException":
		f.Reason = edgemail.ReasonAddress
	case "MailFromDomainNotVerifiedException", "AccountSuspendedException", "SendingPausedException", "NotFoundException",
		"UnrecognizedClientException", "InvalidClientTokenId", "SignatureDoesNotMatch", "InvalidSignatureException", "ExpiredTokenException":
		f.Reason = edgemail.ReasonSender
	case "TooManyRequestsException", "LimitExceededException", "ThrottlingException", "Throttling":
		f.Reason = edgemail.ReasonThrottled
	}
	return f
}
