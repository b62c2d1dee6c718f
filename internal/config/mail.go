package config

import (
	"net/url"
	"strconv"
	"strings"

	"github.com/edgeauth/edgeauth/pkg/auth"
)

// MailQueue describes how to hand messages to the function that sends mails.
type MailQueue struct {
	Function string // its ARN or name; empty if the deployment sends no mails
	Endpoint string // of a stand-in for Lambda; empty means AWS
	AWS
}

// MailQueue returns how to hand messages over, or the zero MailQueue if the deployment sends no mails.
func (e *Environment) MailQueue() MailQueue {
	var m MailQueue
	m.Function, _ = e.optional(Mailer)
	if m.Function == "" {
		return m
	}
	m.Endpoint, _ = e.optional(LambdaEndpoint)
	m.AWS = e.aws()
	return m
}

// Mail describes how mails are sent. Exactly one of SES, SMTP, Console and Folder is set.
type Mail struct {
	SES     *SES
	SMTP    *SMTP
	Console bool
	Folder  string // for one file a mail

	From, Name, ReplyTo, Link string
	Templates                 string // a folder, or empty
}

// SES describes how to reach Amazon SES.
type SES struct {
	ConfigurationSet string // empty means the identity's own
	Endpoint         string // of a stand-in; empty means AWS
	AWS
}

// SMTP describes how to reach a mail server.
type SMTP struct {
	Host     string
	Port     int
	TLS      bool        // TLS from the first byte
	User     string      // or empty
	Password auth.Secret // the password, or secretsmanager:<arn>
}

const wantSender = "ses, smtp://user@host:587, smtps://user@host:465, console or file:<folder>"

// Mail returns how mails are sent.
func (e *Environment) Mail() Mail {
	var m Mail
	m.From, _ = e.required(MailFrom, "the address that mails come from, such as login@example.com")
	m.Name, _ = e.optional(MailName)
	m.ReplyTo, _ = e.optional(MailReplyTo)
	m.Link, _ = e.optional(MailLink)
	m.Templates, _ = e.optional(MailTemplates)
	text, ok := e.required(MailSender, wantSender)
	if !ok {
		return m
	}
	// Both are read in every case: a function reads the same variables with every sender.
	password, _ := e.optional(SMTPPassword)
	set, _ := e.optional(ConfigurationSet)
	folder, isFile := strings.CutPrefix(text, "file:")
	switch {
	case text == "ses":
		m.SES = &SES{ConfigurationSet: set}
		m.SES.Endpoint, _ = e.optional(SESEndpoint)
		m.SES.AWS = e.aws()
	case text == "console":
		m.Console = true
	case isFile && folder != "":
		m.Folder = folder
	default:
		if m.SMTP, ok = parseSMTP(text); !ok {
			problem, want := "is not a sender", wantSender
			if u, err := url.Parse(text); err == nil && u.User != nil && u.User.String() != u.User.Username() {
				problem, want = "holds a password", "the user alone, as in smtp://user@host:587, and "+SMTPPassword+" the password"
			}
			e.refuse(MailSender, problem, want)
			return m
		}
		m.SMTP.Password = auth.NewSecret(password)
		if (m.SMTP.User == "") != (password == "") {
			e.refuse(SMTPPassword, "and the user in "+MailSender+" do not go together", "the password of the user, or nothing for a server without users")
		}
	}
	return m
}

// ShownSender returns the value of [MailSender] in a form that errors may show: a URL without its
// password. It returns "" for a text that may hold a password in another form.
func ShownSender(text string) string {
	u, err := url.Parse(text)
	if err != nil || u.User == nil && strings.Contains(text, "@") {
		return ""
	}
	return u.Redacted()
}

// parseSMTP reads the URL of a mail server. A password in it is refused: URLs are shown and logged.
func parseSMTP(text string) (*SMTP, bool) {
	u, err := url.Parse(text)
	if err != nil || u.Hostname() == "" || u.Path != "" || u.RawQuery != "" || u.ForceQuery || u.Fragment != "" {
		return nil, false
	}
	s := &SMTP{Host: u.Hostname(), TLS: u.Scheme == "smtps"}
	switch u.Scheme {
	case "smtp":
		s.Port = 587
	case "smtps":
		s.Port = 465
	default:
		return nil, false
	}
	if u.Port() != "" {
		if s.Port, err = strconv.Atoi(u.Port()); err != nil || s.Port < 1 || s.Port > 65535 {
			return nil, false
		}
	}
	if u.User != nil {
		s.User = u.User.Username()
		if _, has := u.User.Password(); has || s.User == "" {
			return nil, false
		}
	}
	return s, true
}
