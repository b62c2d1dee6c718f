package backend

import (
	"context"
	"fmt"
	"io"
	"os"

	"github.com/edgeauth/edgeauth/internal/awsclient"
	"github.com/edgeauth/edgeauth/internal/awslambda"
	"github.com/edgeauth/edgeauth/internal/config"
	"github.com/edgeauth/edgeauth/internal/outbox"
	"github.com/edgeauth/edgeauth/internal/ses"
	"github.com/edgeauth/edgeauth/internal/smtp"
	"github.com/edgeauth/edgeauth/pkg/auth/mail"
)

// OpenMailQueue returns the queue of the function that c names. It does no I/O.
func OpenMailQueue(c config.MailQueue) *awslambda.Queue {
	return awslambda.NewQueue(awsclient.Of(c.AWS, c.Endpoint), c.Function)
}

// OpenSender returns the sender that c names. A password in Secrets Manager is read from secrets.
// The sender "console" writes mails to console.
func OpenSender(ctx context.Context, c config.Mail, secrets config.SecretsManager, console io.Writer) (mail.Sender, error) {
	switch {
	case c.SES != nil:
		return ses.New(awsclient.Of(c.SES.AWS, c.SES.Endpoint), c.SES.ConfigurationSet), nil
	case c.Console:
		return &outbox.Console{To: console}, nil
	case c.Folder != "":
		if err := os.MkdirAll(c.Folder, 0o700); err != nil {
			return nil, fmt.Errorf("%s: the folder of mails: %w", config.MailSender, err)
		}
		return outbox.Folder(c.Folder), nil
	}
	password := c.SMTP.Password
	if arn, ok := config.SecretARN(password); ok {
		var err error
		if password, err = OpenSecrets(secrets).Secret(arn).Load(ctx); err != nil {
			return nil, fmt.Errorf("%s: %w", config.SMTPPassword, err)
		}
	}
	return smtp.New(smtp.Config{Host: c.SMTP.Host, Port: c.SMTP.Port, TLS: c.SMTP.TLS, User: c.SMTP.User, Password: password})
}
