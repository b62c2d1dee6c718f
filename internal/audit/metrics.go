package audit

import (
	"errors"
	"io"
	"os"
	"slices"
	"strconv"
	"time"

	"github.com/edgeauth/edgeauth/pkg/auth"
)

// Metric is the name of a metric, and of the member of a line that holds its value.
type Metric string

const (
	Logins               Metric = "logins"
	LoginWrongPassword   Metric = "login_wrong_password"
	LoginUnknownAccount  Metric = "login_unknown_account"
	LoginDenied          Metric = "login_denied"
	Throttled            Metric = "throttled"
	PasswordChanges      Metric = "password_changes"
	Signups              Metric = "signups"
	CodesAsked           Metric = "codes_requested"
	WrongCodes           Metric = "wrong_codes"
	Refreshes            Metric = "refreshes"
	RefreshDuplicate     Metric = "refresh_duplicate"
	RefreshRecovered     Metric = "refresh_recovered"
	RefreshSame          Metric = "refresh_same"
	RefreshExtended      Metric = "refresh_extended"
	RefreshRestored      Metric = "refresh_restored"
	RefreshExpired       Metric = "refresh_expired"
	RefreshEnded         Metric = "refresh_ended"
	RefreshForged        Metric = "refresh_forged"
	RefreshDenied        Metric = "refresh_denied"
	RefreshReauth        Metric = "refresh_reauth"
	NetworkChanged       Metric = "signal_network_changed"
	TwoNetworks          Metric = "signal_two_networks"
	UserAgentChanged     Metric = "signal_user_agent_changed"
	CountryChanged       Metric = "signal_country_changed"
	ImpossibleTravel     Metric = "signal_impossible_travel"
	Reuse                Metric = "reuse"
	FalseLogouts         Metric = "false_logout_candidates"
	EndedByLogout        Metric = "ended_by_logout"
	EndedByUser          Metric = "ended_by_user"
	EndedByStepUp        Metric = "ended_by_step_up"
	EndedByLimit         Metric = "ended_by_limit"
	AuthzAllowed         Metric = "authz_allowed"
	AuthzUnauthenticated Metric = "authz_unauthenticated"
	AuthzForbidden       Metric = "authz_forbidden"
	MailsSent            Metric = "mails_sent"
	MailsHeld            Metric = "mails_held"
	MailsFailed          Metric = "mails_failed"
	MailBounces          Metric = "mail_bounces"
	MailComplaints       Metric = "mail_complaints"
	Faults               Metric = "faults"
	StoreErrors          Metric = "store_errors"
	KeyAge               Metric = "key_age_days"
	Duration             Metric = "duration_ms"
	StoreDuration        Metric = "store_ms"
)

// The members of a line that are dimensions of metrics. A metric with dimensions is billed once for
// each combination of their values, so no value comes from a client of the network.
const (
	dimensionEvent     = "event"
	dimensionClient    = "client_id"
	dimensionMailClass = "mail_class"
	dimensionFunction  = "function"
	dimensionVersion   = "version"
)

// renewals are the metrics of a refresh that is answered with tokens, in addition to Refreshes.
var renewals = map[string]Metric{
	"duplicate": RefreshDuplicate, "recovered": RefreshRecovered, "same": RefreshSame, "extended": RefreshExtended, "restored": RefreshRestored,
}

// counts returns the metrics that an event adds to. A fault adds only to the metric of the fault,
// because nothing was decided about the client. If the request succeeded despite the fault, the
// event adds to both kinds of metrics.
func counts(e Event) (of []Metric) {
	if e.Fault != nil {
		of = append(of, faultMetric(e.Fault))
		if e.Name.level() == warning {
			return of
		}
	}
	switch e.Name {
	case LoginSuccess:
		return append(of, Logins)
	case PasswordChange:
		return append(of, PasswordChanges)
	case UserCreated:
		return append(of, Signups)
	case CodeAsked:
		if of = append(of, CodesAsked); e.Reason == "limit" {
			of = append(of, MailsHeld)
		}
		return of
	case CodeAskFail, CodeFail:
		return append(of, codeRefused(e)...)
	case LoginFail, PasswordChangeFail, ReauthenticationFail:
		return append(of, guess(e)...)
	case SessionRenewed:
		of = append(of, Refreshes)
		of = append(of, signals(e)...)
		if m, ok := renewals[e.Outcome]; ok {
			of = append(of, m)
		}
		return of
	case SessionExpired:
		return append(of, RefreshExpired)
	case SessionRenewFail:
		return append(append(of, refused(e)...), signals(e)...)
	case TokenReuse:
		return append(append(of, Reuse, FalseLogouts), signals(e)...)
	case TokenRevoked:
		return append(of, endedBy(e)...)
	case AuthzAllow:
		return append(of, AuthzAllowed)
	case MailSent:
		return append(of, MailsSent)
	case MailHeld:
		return append(of, MailsHeld)
	case MailFail:
		return append(of, MailsFailed)
	case MailBounced:
		if e.Reason == "complaint" {
			return append(of, MailComplaints)
		}
		return append(of, MailBounces)
	case AuthzFail:
		if e.Outcome == "forbidden" {
			return append(of, AuthzForbidden)
		}
		return append(of, AuthzUnauthenticated)
	}
	return of
}

// faultMetric returns the metric of a fault. It distinguishes a store or a key source that cannot
// be reached from a fault of the service.
func faultMetric(fault error) Metric {
	if errors.Is(fault, auth.ErrUnavailable) {
		return StoreErrors
	}
	return Faults
}

// guess returns the metric of a refused proof. A malformed request has no metric.
func guess(e Event) []Metric {
	switch {
	case e.Outcome == "too_many_requests":
		return []Metric{Throttled}
	case e.Reason == "wrong_password":
		return []Metric{LoginWrongPassword}
	case e.Reason == "unknown":
		return []Metric{LoginUnknownAccount}
	case e.Name == LoginFail && (e.Reason != "" || e.Outcome == "password_change_required"):
		return []Metric{LoginDenied}
	}
	return nil
}

// codeRefused returns the metric of a code that was refused, or was not sent. All wrong codes of a
// deployment are in one metric: their number bounds the probability of a right guess.
func codeRefused(e Event) []Metric {
	switch {
	case e.Outcome == "too_many_requests":
		return []Metric{Throttled}
	case e.Reason == "wrong_code":
		return []Metric{WrongCodes}
	}
	return nil
}

// refused returns the metrics of a refresh that was refused.
func refused(e Event) []Metric {
	switch e.Outcome {
	case "missing", "subject_missing", "subject_disabled", "subject_superseded":
		return []Metric{RefreshEnded}
	case "revoked":
		if e.Reason == "step_up" { // the client did not get or keep the tokens of the new session
			return []Metric{RefreshEnded, FalseLogouts}
		}
		return []Metric{RefreshEnded}
	case "key_dropped":
		return []Metric{RefreshEnded, FalseLogouts}
	case "unknown_client":
		return []Metric{RefreshDenied, FalseLogouts}
	case "reauth":
		return []Metric{RefreshReauth}
	case "forged":
		return []Metric{RefreshForged}
	}
	return []Metric{RefreshDenied}
}

// signals returns a metric for each signal of a refresh, whose name ends with the signal.
func signals(e Event) (of []Metric) {
	for _, s := range e.Signals {
		of = append(of, Metric("signal_"+s))
	}
	return of
}

func endedBy(e Event) []Metric {
	switch {
	case e.Outcome == "logged_out":
		return []Metric{EndedByLogout}
	case e.Reason == "user":
		return []Metric{EndedByUser}
	case e.Reason == "step_up":
		return []Metric{EndedByStepUp}
	case e.Reason == "evicted":
		return []Metric{EndedByLimit}
	}
	return nil
}

// timed are the events whose durations are metrics. A percentile over all events would show only
// the slowest kind.
var timed = []Name{LoginSuccess, SessionRenewed}

// metered is a writer of lines with metrics.
type metered struct {
	io.Writer
	namespace         string
	function, version string // of the Lambda function, or empty
}

// Metered returns a writer to w for [New]. The lines of its Log also have metrics in the Embedded
// Metric Format of CloudWatch, in this namespace. With an empty namespace Metered returns w.
//
// The names of the function and of its version come from the variables that Lambda sets. Only the
// metrics of faults have them: an alarm that watches one version can stop its deployment.
func Metered(w io.Writer, namespace string) io.Writer {
	if namespace == "" || w == nil {
		return w
	}
	return metered{w, namespace, os.Getenv("AWS_LAMBDA_FUNCTION_NAME"), os.Getenv("AWS_LAMBDA_FUNCTION_VERSION")}
}

// add appends the metrics of an event to its line, which ends with a brace. It writes the text
// itself: the types for it would cost the authorizer time and size.
func (m metered) add(text []byte, at time.Time, e Event) []byte {
	of := counts(e)
	isTimed := e.took != nil && e.took.elapsed >= time.Microsecond && (slices.Contains(timed, e.Name) || len(e.took.store) > 0 && e.Name == AuthzAllow)
	if len(of) == 0 && !isTimed && e.KeyAge == 0 {
		return text
	}
	text = text[:len(text)-1]
	versioned := e.Fault != nil && m.function != "" && m.version != ""
	if versioned {
		text = appendText(text, dimensionFunction, m.function)
		text = appendText(text, dimensionVersion, m.version)
	}
	for _, x := range of {
		text = appendCount(text, x, max(e.Count, 1))
	}
	if e.KeyAge != 0 {
		text = append(text, `,"`...)
		text = append(text, KeyAge...)
		text = append(text, `":`...)
		text = strconv.AppendFloat(text, e.KeyAge.Hours()/24, 'f', 3, 64)
		of = append(of, KeyAge)
	}
	text = append(text, `,"_aws":{"Timestamp":`...)
	text = strconv.AppendInt(text, at.UnixMilli(), 10)
	text = append(text, `,"CloudWatchMetrics":[`...)
	if len(of) > 0 {
		sets := `[]`
		if e.ClientID != "" && !e.ForeignClient {
			sets += `,["` + dimensionClient + `"]`
		}
		if e.MailClass != "" && e.Fault == nil { // a fault is not caused by a mail
			sets += `,["` + dimensionMailClass + `"]`
		}
		text = m.appendDirective(text, sets, of...)
	}
	if versioned {
		text = append(text, ',')
		text = m.appendDirective(text, `["`+dimensionFunction+`","`+dimensionVersion+`"]`, faultMetric(e.Fault))
	}
	if isTimed {
		if len(of) > 0 {
			text = append(text, ',')
		}
		measured := []Metric{Duration}
		if len(e.took.store) > 0 {
			measured = append(measured, StoreDuration)
		}
		text = m.appendDirective(text, `["`+dimensionEvent+`"]`, measured...)
	}
	return append(text, `]}}`...)
}

// appendDirective appends a MetricDirective with these sets of dimensions.
func (m metered) appendDirective(text []byte, sets string, of ...Metric) []byte {
	text = append(text, `{"Namespace":"`...)
	text = append(text, m.namespace...)
	text = append(text, `","Dimensions":[`...)
	text = append(text, sets...)
	text = append(text, `],"Metrics":[`...)
	for i, x := range of {
		if i > 0 {
			text = append(text, ',')
		}
		text = append(text, `{"Name":"`...)
		text = append(text, x...)
		switch x {
		case Duration, StoreDuration:
			text = append(text, `","Unit":"Milliseconds"}`...)
		case KeyAge:
			text = append(text, `"}`...)
		default:
			text = append(text, `","Unit":"Count"}`...)
		}
	}
	return append(text, `]}`...)
}

func appendCount(text []byte, x Metric, n int) []byte {
	text = append(text, `,"`...)
	text = append(text, x...)
	text = append(text, `":`...)
	return strconv.AppendInt(text, int64(n), 10)
}

// appendText appends a member whose value comes from Lambda: its characters need no escape.
func appendText(text []byte, name, value string) []byte {
	text = append(text, `,"`...)
	text = append(text, name...)
	text = append(text, `":"`...)
	text = append(text, value...)
	return append(text, '"')
}
