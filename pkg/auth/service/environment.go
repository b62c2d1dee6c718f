package service

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"time"

	"github.com/edgeauth/edgeauth/internal/backend"
	"github.com/edgeauth/edgeauth/internal/config"
	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/endpoint"
	"github.com/edgeauth/edgeauth/pkg/auth/flow"
	"github.com/edgeauth/edgeauth/pkg/auth/keyring"
	"github.com/edgeauth/edgeauth/pkg/auth/login"
	"github.com/edgeauth/edgeauth/pkg/auth/mail"
	"github.com/edgeauth/edgeauth/pkg/auth/password"
	"github.com/edgeauth/edgeauth/pkg/auth/session"
	"github.com/edgeauth/edgeauth/pkg/auth/token"
)

// Options are what a custom program adds to a function. The zero Options add nothing.
type Options struct {
	// Steps run before and after the password check, for example for a second factor or a
	// challenge.
	Steps login.Steps
	// Policy adds requirements for new passwords to those of password.CheckNew.
	Policy password.Policy
	// Admit decides which addresses may sign up, in addition to the member signup of the
	// configuration; see flow.SignUp.Ask. Only [Account] uses it. nil admits every address.
	Admit func(ctx context.Context, n flow.Newcomer) (bool, error)
	// Log receives the audit lines. nil means os.Stdout, which Lambda writes to CloudWatch.
	Log io.Writer
}

// Login returns the handler of the login function. It reads the environment variables of the
// process that the package documentation lists. The error names every variable that is missing or
// invalid. While the rings cannot be read, the handler answers 503.
func Login(o Options) (http.Handler, error) { return o.handler("login", common, opening) }

// Account returns the handler of the account function, which creates accounts and changes
// passwords. It reads the environment variables that the package documentation lists, and fails as
// [Login] does. Pass the same Steps as to Login, or a change of the password requires no second
// factor.
func Account(o Options) (http.Handler, error) { return o.handler("account", common, opening, mailing) }

// Refresh returns the handler of the refresh function. It reads the environment variables that the
// package documentation lists, and fails as [Login] does.
func Refresh(o Options) (http.Handler, error) { return o.handler("refresh", common, restoring) }

func (o Options) handler(function string, parts ...part) (http.Handler, error) {
	s, err := start(config.Process(), o, parts...)
	if err != nil {
		return nil, err
	}
	return s.Handler(function)
}

// Opener returns a service for a program that identifies users by its own means. A custom login
// starts with Opener. Serve endpoint.Responder.Opens with [Service.Responder] and
// [Service.Sessions], and accept a proof only once, with throttle.Once on [Service.Counters]. The
// service reads no login ring and has no Authenticator.
//
// Opener reads the environment variables that the package documentation lists, and fails as [Login]
// does.
func Opener(o Options) (*Service, error) { return start(config.Process(), o, common, client, counting) }

// given holds the variables of a function before rings and stores are opened.
type given struct {
	Settings
	counts bool        // the function needs the counters
	proves bool        // the function verifies passwords and needs the login ring
	login  auth.Secret // source of the login ring
	// messages opens the queue of mails. It is nil if the function sends no mails. It is a function
	// value, so that the other functions do not link the client of Lambda.
	messages func() endpoint.Messages
}

// part reads the variables that several functions share.
type part func(e *config.Environment, g *given)

func start(e *config.Environment, o Options, parts ...part) (*Service, error) {
	g := given{Settings: Settings{Log: o.log(), Steps: o.Steps, Policy: o.Policy}}
	for _, read := range parts {
		read(e, &g)
	}
	store := e.SessionStore
	if g.counts {
		store = e.Store
	}
	stores := store()
	signing, refresh := e.SigningRing(), e.RefreshKeys()
	secrets := e.SecretsManagerOf(signing, refresh, g.login)
	document := e.Document(config.DocumentNames()...) // an unknown member stops the start
	if err := e.Err(); err != nil {
		return nil, err
	}
	s := g.Settings
	var errs [5]error
	s.SigningRing, errs[0] = openRing(config.SigningRing, signing, secrets)
	s.RefreshKeys, errs[1] = openRing(config.RefreshKeys, refresh, secrets)
	s.Stores, errs[2] = openStores(stores)
	errs[3] = readDocument(document, &s)
	if g.proves {
		s.LoginRing, errs[4] = openRing(config.LoginRing, g.login, secrets)
	}
	if err := errors.Join(errs[:]...); err != nil {
		return nil, err
	}
	if g.messages != nil {
		s.Messages = g.messages()
	}
	rules := s.signUp()
	rules.Ask = o.Admit
	s.SignUp = &rules
	return assemble(context.Background(), s)
}

// Check returns the error that would stop the start of login, account and refresh with the
// variables that lookup returns, in the form of [os.LookupEnv], or nil. If EDGEAUTH_MAIL_SENDER is
// set and is not none, Check also checks the mailer and the folder of its templates. If
// EDGEAUTH_SESSION_CHECK is revocations, Check also refuses clients of opaque sessions. It opens
// neither keys nor stores, and does not read the variables that name them.
func Check(lookup func(name string) (string, bool)) error {
	e, g := config.New(lookup), given{}
	for _, read := range []part{common, client, restoring} {
		read(e, &g)
	}
	document, check := e.Document(config.DocumentNames()...), e.SessionCheck()
	if err := errors.Join(e.Err(), checkMails(lookup)); err != nil {
		return err
	}
	s := g.Settings
	if err := readDocument(document, &s); err != nil {
		return err
	}
	if check == config.CheckRevocations {
		if err := checkNoOpaque(s); err != nil {
			return fmt.Errorf("%s: %w", config.Config, err)
		}
	}
	s.Now = time.Now
	_, _, err := s.tokens(new(keyring.Signing), ownKeys{})
	return err
}

// checkMails returns the error that would stop the start of the mailer. Lambda sets the AWS
// variables.
func checkMails(lookup func(name string) (string, bool)) error {
	if sender, set := lookup(config.MailSender); !set || sender == "none" {
		return nil
	}
	e := config.New(func(name string) (string, bool) {
		switch name {
		case config.Region, config.AccessKeyID, config.SecretAccessKey:
			return "set by Lambda", true
		}
		return lookup(name)
	})
	m := e.Mail()
	if err := e.Err(); err != nil {
		return err
	}
	_, templatesErr := loadTemplates(m.Templates)
	_, err := newMailer(mail.Config{Sender: unsent{}}, m)
	return errors.Join(err, templatesErr)
}

func common(e *config.Environment, g *given) {
	g.Issuer, g.Audience, g.KeyVersion = e.Issuer(), e.Audience(), e.KeyVersion()
	g.AccessTokenLifetime = e.Duration(config.AccessTokenLifetime, token.MinLifetime, token.MaxLifetime)
	g.SessionsNotBefore, g.Metrics = e.SessionsNotBefore(time.Now()), e.Metrics()
}

// opening reads the variables of a function that verifies a password and opens a session.
func opening(e *config.Environment, g *given) {
	g.proves, g.login = true, e.LoginRing()
	client(e, g)
	counting(e, g)
}

// mailing reads the variables of a function that hands mails to the mailer.
func mailing(e *config.Environment, g *given) {
	if q := e.MailQueue(); q.Function != "" {
		g.messages = func() endpoint.Messages { return backend.OpenMailQueue(q) }
	}
}

// counting asks for the store of counters.
func counting(_ *config.Environment, g *given) { g.counts = true }

// client reads the variables of a function that opens a session.
func client(e *config.Environment, g *given) {
	// A client refreshes when its access token ends, and its session must still be open at that
	// time.
	least := session.DefaultRules().MinimumIdleTimeout() + g.AccessTokenLifetime
	g.Client = auth.Client{
		ID:              auth.DefaultClient,
		Profile:         e.Profile(),
		IdleTimeout:     e.Duration(config.IdleTimeout, least, maxTimeout),
		AbsoluteTimeout: e.Duration(config.AbsoluteTimeout, least, maxTimeout),
	}
}

func (o Options) log() io.Writer {
	if o.Log == nil {
		return os.Stdout
	}
	return o.Log
}

func restoring(e *config.Environment, g *given) { g.RestoredUntil = e.RestoredUntil() }
