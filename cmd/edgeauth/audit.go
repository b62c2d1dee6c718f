package main

import (
	"context"
	"errors"
	"io"
	"os"

	"github.com/edgeauth/edgeauth/internal/audit"
	"github.com/edgeauth/edgeauth/internal/errorcode"
	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/session"
)

// auditFlag selects where a command that ends sessions writes its audit lines. The command cannot
// write to the log group of the functions: credentials with this permission could forge the lines
// of the functions.
type auditFlag struct {
	AuditLog string `placeholder:"FILE" help:"Append the audit lines to this file (default: standard error)."`
}

// recorded calls do with the audit log. It opens the log before do begins, so that no session ends
// without a line because a file cannot be written.
func (f auditFlag) recorded(standard io.Writer, do func(*audit.Log) error) error {
	if f.AuditLog == "" {
		return do(audit.New(standard, nil))
	}
	file, err := os.OpenFile(f.AuditLog, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	return errors.Join(do(audit.New(file, nil)), file.Close())
}

// The reasons in the lines of this command. The functions use the same words.
const (
	byOperator = string(session.RevocationAdmin)
	byDisable  = string(session.OutcomeSubjectDisabled)
	byDelete   = string(session.OutcomeSubjectMissing)
)

// record writes the line of a session that an operator ended, and a line for each session that it
// had replaced. e and err are the results of session.Manager.Revoke.
func record(ctx context.Context, log *audit.Log, key session.Key, e session.Ended, err error) {
	line := audit.Event{
		Name: audit.TokenRevoked, Outcome: string(e.Outcome), Reason: string(e.Reason),
		SubjectID: key.Subject, SessionID: key.ID.String(), ClientID: e.Client,
	}
	switch {
	case err != nil:
		line.Name, line.Outcome, line.Reason = audit.TokenRevokeFail, failure(err), byOperator
	case e.Outcome != session.OutcomeEnded:
		line.Name = audit.TokenRevokeFail
	}
	log.Write(ctx, line)
	for _, replaced := range e.Replaced {
		log.Write(ctx, audit.Event{
			Name: audit.TokenRevoked, Outcome: string(session.OutcomeEnded), Reason: string(session.RevocationStepUp),
			SubjectID: replaced.Subject, SessionID: replaced.ID.String(), ClientID: e.Client,
		})
	}
}

// recordAll writes the line of a user whose sessions were all ended. If the store did not confirm
// the write, the line says so, because the sessions may have ended nevertheless. After other errors
// nothing has changed, and recordAll writes no line.
func recordAll(ctx context.Context, log *audit.Log, of auth.SubjectID, reason string, err error) {
	line := audit.Event{Name: audit.TokenRevoked, Outcome: string(session.OutcomeEnded), Reason: reason, SubjectID: of}
	if err != nil {
		line.Name, line.Outcome = audit.TokenRevokeFail, failure(err)
	}
	if err == nil || errors.Is(err, auth.ErrUnavailable) {
		log.Write(ctx, line)
	}
}

// recordPassword writes the line of a new password, which ends all sessions of the user. It treats
// errors like recordAll.
func recordPassword(ctx context.Context, log *audit.Log, of auth.SubjectID, err error) {
	line := audit.Event{Name: audit.PasswordChange, Reason: byOperator, SubjectID: of}
	if err != nil {
		line.Name, line.Outcome = audit.PasswordChangeFail, string(errorcode.TemporarilyUnavailable)
	}
	if err == nil || errors.Is(err, auth.ErrUnavailable) {
		log.Write(ctx, line)
	}
}

// failure returns the outcome of a write that the store did not confirm.
func failure(err error) string {
	if errors.Is(err, session.ErrThrottled) {
		return string(session.OutcomeThrottled)
	}
	return string(session.OutcomeFailed)
}
