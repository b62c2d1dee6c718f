package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/edgeauth/edgeauth/cmd/edgeauth/internal/stack"
	"github.com/edgeauth/edgeauth/internal/backend"
	"github.com/edgeauth/edgeauth/internal/config"
	"github.com/edgeauth/edgeauth/internal/keyrings"
	"github.com/edgeauth/edgeauth/pkg/auth"
)

type doctorCommand struct {
	storeFlag
	NoUser bool `help:"Skip the round trip, which adds a temporary user, logs in and deletes the user."`
}

// finding is the result of one check. A check that found nothing wrong has neither problem nor cure.
type finding struct {
	Check   string `json:"check"`
	State   state  `json:"state"`
	Problem string `json:"problem,omitempty"`
	Cure    string `json:"cure,omitempty"`
}

type state string

const (
	fine    state = "ok"
	warned  state = "warning" // nothing is broken
	wrong   state = "wrong"
	skipped state = "skipped" // because of another finding, or at the user's request
)

// examination collects the findings.
type examination struct {
	now      func() time.Time
	http     *http.Client
	findings []finding
}

func (x *examination) fine(check string) { x.add(check, fine, "", "") }

func (x *examination) add(check string, s state, problem, cure string) {
	x.findings = append(x.findings, finding{check, s, problem, cure})
}

// holds adds a finding that is fine if ok is true.
func (x *examination) holds(ok bool, check, problem, cure string) {
	if ok {
		x.fine(check)
	} else {
		x.add(check, wrong, problem, cure)
	}
}

// isWrong reports whether a check has found a problem.
func (x *examination) isWrong() bool {
	return slices.ContainsFunc(x.findings, func(f finding) bool { return f.State == wrong })
}

// errUnwell makes the exit status 1. The problems were already printed.
var errUnwell = errors.New("a check failed; see above")

func (c *doctorCommand) Run(ctx context.Context, t terminal) error {
	x := &examination{now: time.Now, http: &http.Client{Timeout: 20 * time.Second}}
	if name, ok := stackIn(c.Store); ok {
		s, err := deployed(ctx, t, name)
		if err != nil {
			return err
		}
		x.deployment(ctx, s, !c.NoUser)
	} else if err := x.local(ctx, c.storeFlag); err != nil {
		return err
	}
	err := t.print(x.findings, func(w io.Writer) {
		fmt.Fprintln(w, "CHECK\tSTATE\tPROBLEM")
		for _, f := range x.findings {
			// Reasons of alarms, outputs and answers must not move the cursor, or hide another finding.
			fmt.Fprintf(w, "%s\t%s\t%s\n", f.Check, f.State, printable(f.Problem))
			if f.Cure != "" {
				fmt.Fprintf(w, "\t\tcure: %s\n", printable(f.Cure))
			}
		}
	})
	if err == nil && x.isWrong() {
		err = errUnwell
	}
	return err
}

// deployment checks a deployed stack.
func (x *examination) deployment(ctx context.Context, s stack.Stack, withUser bool) {
	deploy := "sam deploy --stack-name " + s.Name
	x.holds(s.Settled() && !strings.HasPrefix(s.Status, "ROLLBACK"), "stack", "the stack is "+s.Status,
		"docs/operations.md, If a deployment fails; if the deployment is still running, wait")
	x.tables(ctx, s, deploy)
	signing := x.keys(ctx, s, deploy)
	functions, alarms, err := s.Inspect(ctx)
	if err != nil {
		x.add("functions", wrong, err.Error(), "use credentials that may read the stack (docs/operations.md, Doctor)")
	} else {
		x.functions(s, functions, deploy)
		x.alarms(s, alarms, deploy)
	}
	x.published(ctx, s, signing)
	switch {
	case !withUser:
		x.add("round-trip", skipped, "--no-user", "")
	case x.isMissing("users-table", "sessions-table", "attempts-table"):
		x.add("round-trip", skipped, "a table is missing", "")
	default:
		x.roundTrip(ctx, s)
	}
}

// isMissing reports whether one of the checks has found a problem.
func (x *examination) isMissing(checks ...string) bool {
	return slices.ContainsFunc(x.findings, func(f finding) bool { return f.State == wrong && slices.Contains(checks, f.Check) })
}

// tables checks how the tables are set up.
func (x *examination) tables(ctx context.Context, s stack.Stack, deploy string) {
	all, err := backend.InspectTables(ctx, s.Stores())
	if err != nil {
		x.add("tables", wrong, stack.Explain(err).Error(), "use credentials that may read the tables (docs/operations.md, Doctor)")
		return
	}
	for i, name := range []string{"users", "sessions", "attempts"} {
		x.table(name, all[i], i > 0, deploy)
	}
}

func (x *examination) table(name string, t backend.TableState, expires bool, deploy string) {
	check := name + "-table"
	parameter := "Existing" + strings.ToUpper(name[:1]) + name[1:] + "Table"
	if !t.Exists {
		x.add(check, wrong, "the table "+t.Name+" does not exist",
			"restore it (docs/operations.md, Restore a table) and deploy it: "+deploy+" --parameter-overrides "+parameter+"=NAME")
		return
	}
	x.holds(t.Keys, check, "the table "+t.Name+" has other keys than edgeauth's", deploy+" --parameter-overrides "+parameter+"=NAME, with the right table")
	if expires {
		x.holds(t.Expires, name+"-expiry", "the table "+t.Name+" does not delete items by expires_at, so it grows without bound",
			"aws dynamodb update-time-to-live --table-name "+t.Name+" --time-to-live-specification Enabled=true,AttributeName=expires_at")
	}
	x.holds(t.Recovers, name+"-recovery", "the table "+t.Name+" has no point-in-time recovery",
		"aws dynamodb update-continuous-backups --table-name "+t.Name+" --point-in-time-recovery-specification PointInTimeRecoveryEnabled=true")
	x.holds(t.Protected, name+"-protection", "the table "+t.Name+" is not protected against deletion",
		"aws dynamodb update-table --table-name "+t.Name+" --deletion-protection-enabled")
}

// oldKeys is the age from which keys should be rotated. KeyAgeAlarm has the same threshold.
const oldKeys = 365 * 24 * time.Hour

// keys checks the three rings and returns the signing ring. If the ring could not be read, it has
// no keys.
func (x *examination) keys(ctx context.Context, s stack.Stack, deploy string) keyrings.Ring {
	secrets := backend.OpenSecrets(s.Secrets())
	rings := map[keyrings.Kind]keyrings.Ring{}
	for _, secret := range []struct {
		check, arn string
		kind       keyrings.Kind
	}{{"signing-ring", s.SigningSecret, keyrings.SigningRing}, {"refresh-ring", s.RefreshSecret, keyrings.RefreshRing}, {"login-ring", s.LoginSecret, keyrings.LoginRing}} {
		if secret.arn == "" {
			x.add(secret.check, wrong, "the stack has no login ring: an earlier version deployed it", deploy)
			continue
		}
		r, err := keyrings.Load(ctx, secrets.Secret(secret.arn), secret.kind)
		switch {
		case errors.Is(err, auth.ErrNotFound):
			x.add(secret.check, wrong, "the secret "+secret.arn+" is missing or empty",
				"aws secretsmanager restore-secret --secret-id "+secret.arn+"; if that is too late, docs/operations.md, Move to a new stack")
			continue
		case errors.Is(err, keyrings.ErrMalformed):
			x.add(secret.check, wrong, err.Error(), "restore the previous version: aws secretsmanager list-secret-version-ids --secret-id "+secret.arn)
			continue
		case err != nil:
			x.add(secret.check, wrong, stack.Explain(err).Error(), "use credentials that may read the secret (docs/operations.md, Doctor)")
			continue
		}
		rings[secret.kind] = r
		x.holds(r.Current() == s.KeyVersion, secret.check, fmt.Sprintf("KeyVersion of the stack is %d, and the ring is at version %d", s.KeyVersion, r.Current()),
			"wait if a deployment is still running; otherwise "+deploy)
	}
	if len(rings) == 3 {
		x.age(rings, s)
	}
	return rings[keyrings.SigningRing]
}

// age checks how long the keys have signed, and whether a rotation is possible.
func (x *examination) age(all map[keyrings.Kind]keyrings.Ring, s stack.Stack) {
	k := rings{signing: all[keyrings.SigningRing], refresh: all[keyrings.RefreshRing], login: all[keyrings.LoginRing], version: s.KeyVersion, stack: &s}
	for _, ring := range []struct {
		name string
		keyrings.Ring
	}{{"signing", k.signing}, {"refresh", k.refresh}, {"login", k.login}} {
		since := ring.Keys[ring.Current()].SigningSince
		age := x.now().Sub(since)
		x.holds(since.IsZero() || age < oldKeys, ring.name+"-key-age",
			fmt.Sprintf("version %d signs since %s, %d days", ring.Current(), instant(since), int(age.Hours()/24)),
			"rotate the keys: "+k.next(x.now()).text(&s))
	}
}

// functions checks that the functions run with the values of the stack.
func (x *examination) functions(s stack.Stack, all []stack.Function, deploy string) {
	tables := s.Stores().DynamoDB
	want := map[string]string{
		config.Issuer: s.Issuer, config.KeyVersion: fmt.Sprint(s.KeyVersion),
		config.UsersTable: tables.Users, config.SessionsTable: tables.Sessions, config.AttemptsTable: tables.Attempts,
		config.SigningRing: "secretsmanager:" + s.SigningSecret, config.RefreshKeys: "secretsmanager:" + s.RefreshSecret, config.LoginRing: "secretsmanager:" + s.LoginSecret,
		config.Profile: s.Parameters["Profile"], config.IdleTimeout: s.Parameters["IdleTimeout"], config.AbsoluteTimeout: s.Parameters["AbsoluteTimeout"],
		config.AccessTokenLifetime: s.Parameters["AccessTokenLifetime"],
	}
	stamp := ""
	for _, f := range all {
		if f.LogicalID == "KeysFunction" {
			continue
		}
		check := "function-" + f.LogicalID
		if f.Missing {
			x.add(check, wrong, "the function "+f.Name+", or its alias live, does not exist", "docs/operations.md, Move to a new stack, which keeps tables and secrets: CloudFormation does not restore a resource that was deleted by hand")
			continue
		}
		var differ []string
		for name, value := range want {
			if got, reads := f.Environment[name]; reads && value != "" && got != value {
				differ = append(differ, fmt.Sprintf("%s is %q (want %q)", name, got, value))
			}
		}
		const stampName = "EDGEAUTH_STAMP"
		if got := f.Environment[stampName]; got != "" {
			if stamp = cmp.Or(stamp, got); got != stamp {
				differ = append(differ, "it has the keys of another deployment than the other functions")
			}
		}
		if f.State != "" && f.State != "Active" {
			differ = append(differ, "it is "+f.State)
		}
		slices.Sort(differ)
		x.holds(len(differ) == 0, check, "the alias live of "+f.Name+" runs with other values than the stack's: "+strings.Join(differ, "; "),
			"wait if a deployment is still running; otherwise deploy a changed value, which gives every alias a new version: "+deploy+" --parameter-overrides NAME=VALUE")
	}
}

// alarms checks that the alarms exist, and that none is in ALARM.
func (x *examination) alarms(s stack.Stack, all []stack.Alarm, deploy string) {
	if len(all) == 0 {
		x.add("alarms", warned, "the stack has no alarms", deploy+" --parameter-overrides Monitoring=alarms")
		return
	}
	for _, a := range all {
		check := "alarm-" + a.LogicalID
		switch {
		case a.Missing:
			x.add(check, wrong, "the alarm "+a.Name+" was deleted", "change a parameter of it, or deploy with Monitoring=metrics and then with Monitoring=alarms")
		case a.State == "ALARM":
			x.add(check, wrong, "it rings: "+a.Reason, "docs/operations.md, Dashboard and alarms, the row of "+a.LogicalID)
		case s.Parameters["AlarmTopic"] != "" && !a.Notifies:
			x.add(check, wrong, "it does not notify the AlarmTopic of the stack", "aws cloudwatch enable-alarm-actions --alarm-names "+a.Name)
		default:
			x.fine(check)
		}
	}
	if s.Parameters["AlarmTopic"] == "" {
		x.add("alarm-topic", warned, "an alarm shows only on the dashboard", deploy+" --parameter-overrides AlarmTopic=ARN")
	}
}

// local checks a data directory, or a store that --store names.
func (x *examination) local(ctx context.Context, f storeFlag) error {
	if f.Store == "" {
		if err := f.Data.Exists(); err != nil {
			return err
		}
		for _, ring := range []struct {
			check  string
			source keyrings.Source
			kind   keyrings.Kind
		}{{"signing-ring", f.Data.SigningRing(), keyrings.SigningRing}, {"refresh-ring", f.Data.RefreshKeys(), keyrings.RefreshRing}, {"login-ring", f.Data.LoginRing(), keyrings.LoginRing}} {
			_, err := keyrings.Load(ctx, ring.source, ring.kind)
			x.holds(err == nil, ring.check, fmt.Sprint(err), ringCure(ring.source, err))
		}
	}
	cure := "copy the store from a backup, correct the path, or end the program that has the store open"
	if settings, err := f.settings(); err == nil && settings.BoltPath != "" {
		info, err := os.Stat(settings.BoltPath)
		if errors.Is(err, fs.ErrNotExist) { // opening the store would create it
			x.add("store", wrong, "there is no store in "+settings.BoltPath, "correct the path, copy the store from a backup, or start edgeauth dev, which creates an empty store")
			return nil
		}
		isExposed := err == nil && info.Mode().Perm()&0o077 != 0
		if isExposed {
			cure = "chmod 600 " + settings.BoltPath
		}
		x.holds(!isExposed, "store-file", "other users of this machine may read "+settings.BoltPath, cure)
	}
	stores, err := f.openLocal()
	if err == nil {
		_, err = stores.Users.List(ctx, "", 1)
	}
	if errors.Is(err, errUsage) {
		return err
	}
	x.holds(err == nil, "store", fmt.Sprint(err), cure)
	return nil
}

// ringCure returns the cure for a ring of a data directory. "keys init" is not the cure, because it
// works only in a directory without rings.
func ringCure(ring keyrings.Source, err error) string {
	const anew = "edgeauth dev, which creates new keys and refuses tokens of the lost keys"
	switch {
	case errors.Is(err, keyrings.ErrExposed):
		return fmt.Sprintf("chmod 600 %s", ring)
	case errors.Is(err, auth.ErrNotFound):
		return "copy the ring from a backup, or start " + anew
	}
	return fmt.Sprintf("copy %s from a backup, or remove it and start %s", ring, anew)
}
