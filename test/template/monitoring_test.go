package template

import (
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	docs "github.com/edgeauth/edgeauth/test/document"
)

// metricNames returns the names of all metrics of the code.
func metricNames(t *testing.T) []string { return texts(t, "../../internal/audit/metrics.go", "Metric") }

// texts returns the texts of all constants of a type, which a file declares.
func texts(t *testing.T, path, typeName string) (names []string) {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	ast.Inspect(file, func(n ast.Node) bool {
		if spec, ok := n.(*ast.ValueSpec); ok && len(spec.Values) == 1 {
			if kind, ok := spec.Type.(*ast.Ident); ok && kind.Name == typeName {
				text, err := strconv.Unquote(spec.Values[0].(*ast.BasicLit).Value)
				if err != nil {
					t.Fatal(err)
				}
				names = append(names, text)
			}
		}
		return true
	})
	return names
}

const alarmKind, dashboardKind = "AWS::CloudWatch::Alarm", "AWS::CloudWatch::Dashboard"

// rolloutAlarms are only for CodeDeploy, each with the metric of its expression. TestRollout checks
// them.
var rolloutAlarms = map[string]string{"RolloutAlarm": "faults", "RolloutCrashAlarm": "Errors"}

// namespaceOf is the value of EDGEAUTH_METRICS: each stack has its own namespace.
const namespaceOf = "edgeauth/${AWS::StackName}"

// TestMailClasses: the dashboard shows the mails that each limit holds back, and the requested
// mails of each limit except the budget, which counts only if it is reached.
func TestMailClasses(t *testing.T) {
	body := dashboard(translated(t, "template.yaml"), true)
	classes := texts(t, "../../pkg/auth/flow/begin.go", "Class")
	if len(classes) != 4 {
		t.Fatalf("%q", classes)
	}
	held := regexp.MustCompile(`"mails_held","mail_class"(,"\w+"\](,\["\.\.\.","\w+"\])*)`).FindString(body)
	asked := regexp.MustCompile(`"codes_requested","mail_class"(,"\w+"\](,\["\.\.\.","\w+"\])*)`).FindString(body)
	for _, class := range classes {
		if !strings.Contains(held, `"`+class+`"]`) || strings.Contains(asked, `"`+class+`"]`) == (class == "budget") {
			t.Errorf("the dashboard shows %s and %s, with %s wrong", asked, held, class)
		}
	}
	if n := strings.Count(held+asked, `"]`); n != 2*len(classes)-1 {
		t.Errorf("the dashboard shows %d classes: %s and %s", n, asked, held)
	}
}

// TestMonitoring compares the dashboard and the alarms with the metrics of the code, and each alarm
// with its row in docs/operations.md.
func TestMonitoring(t *testing.T) {
	d, names := translated(t, "template.yaml"), metricNames(t)
	check := func(d document) []string { return monitoring(d, names) }
	for _, problem := range check(d) {
		t.Error(problem)
	}
	for what, break_ := range map[string]func(d document){
		"an alarm without a condition":        func(d document) { delete(d.resources()["ReuseAlarm"].(tree), "Condition") },
		"an alarm on a metric that is none":   func(d document) { d.properties("ReuseAlarm")["MetricName"] = "reuses" },
		"an alarm on the errors of Lambda":    func(d document) { d.properties("FaultAlarm")["Namespace"] = "AWS/Lambda" },
		"an alarm of all stacks":              func(d document) { d.properties("FaultAlarm")["Namespace"] = "edgeauth" },
		"silence is an alarm":                 func(d document) { delete(d.properties("FaultAlarm"), "TreatMissingData") },
		"an alarm that nobody hears":          func(d document) { delete(d.properties("FaultAlarm"), "AlarmActions") },
		"an alarm with a name of one's own":   func(d document) { d.properties("FaultAlarm")["AlarmName"] = "faults" },
		"a graph of a metric that is none":    func(d document) { changeBody(d, `"refresh_same"`, `"refresh_sames"`) },
		"a dashboard that is no JSON":         func(d document) { changeBody(d, `{"widgets"`, `"widgets"`) },
		"a dashboard of another namespace":    func(d document) { changeBody(d, namespaceOf, "edgeauth") },
		"a dashboard without one of the list": func(d document) { changeBody(d, `"${ReuseAlarm.Arn}",`, "") },
		"a function without metrics":          func(d document) { delete(variables(d, "SessionsFunction"), "EDGEAUTH_METRICS") },
		"metrics of all stacks":               func(d document) { variables(d, "LoginFunction")["EDGEAUTH_METRICS"] = "edgeauth" },
		"a stamp without the metrics":         func(d document) { delete(d.properties("Keys"), "Metrics") },
	} {
		broken := d.clone(t)
		break_(broken)
		if len(check(broken)) == 0 {
			t.Errorf("nothing is found: %s", what)
		}
	}

	documented := map[string]map[string]string{}
	for _, table := range docs.Read(t, "operations.md").Tables("alarm") {
		for _, row := range table.Rows {
			documented[row["alarm"]] = row
		}
	}
	for _, id := range d.of(alarmKind) {
		p, row := d.properties(id), documented[id]
		if metric := rolloutAlarms[id]; metric != "" {
			p = tree{"MetricName": metric, "Threshold": p["Threshold"]}
		}
		if row == nil {
			t.Errorf("docs/operations.md has no row for %s", id)
			continue
		}
		delete(documented, id)
		condition := fmt.Sprintf("`%v`", p["MetricName"])
		if !strings.Contains(row["goes off if"], strings.Trim(condition, "`")) || !strings.Contains(row["goes off if"], fmt.Sprint(p["Threshold"])) {
			t.Errorf("docs/operations.md: %s goes off if %s, and the template says %s from %v on", id, row["goes off if"], condition, p["Threshold"])
		}
		for column, cell := range row {
			if cell == "" {
				t.Errorf("docs/operations.md: %s has nothing under %q", id, column)
			}
		}
	}
	for id := range documented {
		t.Errorf("docs/operations.md has a row for %s, which the template does not have", id)
	}
}

func changeBody(d document, from, to string) {
	text := at[[]any](d.properties("Dashboard"), "DashboardBody", "Fn::Sub")
	text[0] = strings.ReplaceAll(text[0].(string), from, to)
}

// dashboard returns the body of the dashboard of a stack with or without mails.
func dashboard(d document, mails bool) string {
	text := at[[]any](d.properties("Dashboard"), "DashboardBody", "Fn::Sub")
	if len(text) != 2 {
		return ""
	}
	body, _ := text[0].(string)
	for name, value := range text[1].(tree) {
		part := ""
		if choice := at[[]any](value, "Fn::If"); mails && len(choice) == 3 && choice[0] == "HasMailAlarms" {
			part = at[string](choice[1], "Fn::Sub")
		}
		body = strings.ReplaceAll(body, "${"+name+"}", part)
	}
	return body
}

// dropped reports whether an alarm watches the only metric of Lambda that a refusal does not raise:
// messages that were dropped before a mail was sent.
func dropped(p tree) bool {
	dimensions := at[[]any](p, "Dimensions")
	return p["Namespace"] == "AWS/Lambda" && p["MetricName"] == "AsyncEventsDropped" && len(dimensions) == 1 &&
		at[string](dimensions[0], "Value", "Ref") == "MailerFunction"
}

func monitoring(d document, metrics []string) (problems []string) {
	for _, id := range d.of(alarmKind) {
		if rolloutAlarms[id] != "" {
			continue
		}
		p := d.properties(id)
		// The alarms of mails are on the dashboard of a stack that sends mails.
		ofMails := strings.HasPrefix(id, "Mail")
		body, condition := dashboard(d, ofMails), "HasAlarms"
		if ofMails {
			condition = "HasMailAlarms"
		}
		for what, ok := range map[string]bool{
			"watches a metric of another namespace":      at[string](p, "Namespace", "Fn::Sub") == namespaceOf || dropped(p),
			"watches a metric that is none":              slices.Contains(metrics, at[string](p, "MetricName")) || dropped(p),
			"goes off if nothing happens":                p["TreatMissingData"] == "notBreaching",
			"does not notify the topic":                  at[[]any](p, "AlarmActions", "Fn::If") != nil,
			"is in the way of another stack":             p["AlarmName"] == nil,
			"is made although it is switched off":        at[string](d.resources()[id], "Condition") == condition,
			"does not say where it is explained":         strings.Contains(at[string](p, "AlarmDescription"), "docs/operations.md"),
			"has a threshold that is never reached":      at[float64](p, "Threshold") > 0,
			"has other than one of the two statistics":   (p["Statistic"] == nil) != (p["ExtendedStatistic"] == nil),
			"is not on the dashboard":                    strings.Contains(body, "${"+id+".Arn}"),
			"does not compare as the documentation says": p["ComparisonOperator"] == "GreaterThanOrEqualToThreshold",
		} {
			if !ok {
				problems = append(problems, id+" "+what)
			}
		}
	}
	for _, id := range d.of(dashboardKind) {
		if at[string](d.resources()[id], "Condition") != "HasAlarms" {
			problems = append(problems, id+" is made although it is switched off")
		}
		for _, mails := range []bool{false, true} {
			problems = append(problems, graphs(dashboard(d, mails), metrics)...)
		}
	}
	chosen := func(value any) bool {
		choice := at[[]any](value, "Fn::If")
		return len(choice) == 3 && choice[0] == "HasMetrics" && at[string](choice[1], "Fn::Sub") == namespaceOf && choice[2] == ""
	}
	for _, id := range d.of("AWS::Lambda::Function") {
		if id != keysFunction && id != "DiscoveryFunction" && !chosen(variables(d, id)["EDGEAUTH_METRICS"]) {
			problems = append(problems, id+" writes no metrics of its stack")
		}
	}
	if !chosen(d.properties("Keys")["Metrics"]) {
		problems = append(problems, "the stamp does not change with the metrics")
	}
	return problems
}

// graphs returns the problems of the body of a dashboard.
func graphs(body string, metrics []string) (problems []string) {
	filled := regexp.MustCompile(`\$\{[A-Za-z:.]+\}`).ReplaceAllStringFunc(body, func(name string) string { return strings.Trim(name, "${}") })
	var content struct {
		Widgets []struct {
			Type       string
			Properties struct {
				Title   string
				Metrics [][]any
				Alarms  []string
			}
		}
	}
	if err := json.Unmarshal([]byte(filled), &content); err != nil || len(content.Widgets) < 2 {
		return []string{fmt.Sprintf("the dashboard is no JSON: %v", err)}
	}
	for _, w := range content.Widgets {
		var namespace, name any
		for _, m := range w.Properties.Metrics {
			if expression, ok := m[0].(map[string]any); ok {
				if !strings.Contains(fmt.Sprint(expression["expression"]), "{edgeauth/AWS::StackName,function,version}") {
					problems = append(problems, w.Properties.Title+" searches elsewhere")
				}
				continue
			}
			if m[0] == "..." {
				continue
			}
			if m[0] != "." {
				namespace = m[0]
			}
			if m[1] != "." {
				name = m[1]
			}
			if namespace != "edgeauth/AWS::StackName" || !slices.Contains(metrics, fmt.Sprint(name)) {
				problems = append(problems, fmt.Sprintf("%s shows %v of %v", w.Properties.Title, name, namespace))
			}
		}
	}
	return problems
}
