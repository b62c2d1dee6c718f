package main

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// product counts what CloudWatch and Secrets Manager bill by the month. A stack with mails
// has the counts of both kinds.
type product struct {
	metrics, mailMetrics int // each combination of a name and the values of its dimensions
	alarms, mailAlarms   int // each metric of an alarm
	rollout, mailRollout int // each metric of the alarms of gradual deployments
	secrets              int
}

// mailMetrics are the metrics that get values only in a deployment that sends mails. A code is always
// sent by mail, and only a code makes an account.
var mailMetrics = []string{
	"signups", "codes_requested", "wrong_codes", "mails_sent", "mails_held", "mails_failed", "mail_bounces", "mail_complaints",
}

// The numbers of the events with a duration, which are a login, a refresh and a request that the
// session authorizer lets through, and of the limits of mails. Tests count both.
const timedEvents, mailClasses = 3, 4

// values are the numbers of values that the dimensions of a metric have, by their cell in
// docs/audit.md. CloudWatch bills each as a metric of its own.
var values = map[string]int{
	"none": 1, "`client_id`": 1, "`event`": timedEvents, "`mail_class`": mailClasses,
	"`function` and `version`": 0, // only a stack that is at fault has them
}

var (
	metricConstant = regexp.MustCompile(`(?m)^\t\w+ +Metric = "(\w+)"$`)
	metricRow      = regexp.MustCompile("(?m)^\\| `(\\w+)` \\| (?:Count|None|Milliseconds) \\| ([^|]+) \\|")
	resourceHead   = regexp.MustCompile(`(?m)^  \w+:\n    Type: (AWS::[\w:]+)\n(?:    Condition: (\w+)\n)?`)
)

// readProduct counts the metrics of internal/audit and the resources of template.yaml, in the
// repository at root. The dimensions of each metric are those that docs/audit.md names.
func readProduct(root string) (p product, err error) {
	var code, page, template []byte
	for path, text := range map[string]*[]byte{"internal/audit/metrics.go": &code, "docs/audit.md": &page, "template.yaml": &template} {
		if *text, err = os.ReadFile(filepath.Join(root, path)); err != nil {
			return product{}, err
		}
	}
	if err := p.countMetrics(string(code), string(page)); err != nil {
		return product{}, err
	}
	return p, p.countResources(string(template))
}

func (p *product) countMetrics(code, page string) error {
	dimensions := map[string]string{}
	for _, row := range metricRow.FindAllStringSubmatch(page, -1) {
		dimensions[row[1]] = row[2]
	}
	var names []string
	for _, constant := range metricConstant.FindAllStringSubmatch(code, -1) {
		name, n := constant[1], 0
		names = append(names, name)
		for _, set := range strings.Split(dimensions[name], ";") {
			count, known := values[strings.TrimSpace(set)]
			if !known {
				return fmt.Errorf("docs/audit.md: the metric %s has the dimensions %q, which values does not count", name, set)
			}
			n += count
		}
		if slices.Contains(mailMetrics, name) {
			p.mailMetrics += n
		} else {
			p.metrics += n
		}
	}
	for _, name := range mailMetrics {
		if !slices.Contains(names, name) {
			return fmt.Errorf("internal/audit/metrics.go has no metric %s, which mailMetrics lists", name)
		}
	}
	return nil
}

func (p *product) countResources(template string) error {
	heads := resourceHead.FindAllStringSubmatchIndex(template, -1)
	for i, head := range heads {
		end := len(template)
		if i+1 < len(heads) {
			end = heads[i+1][0]
		}
		body, condition := template[head[1]:end], ""
		if head[4] >= 0 {
			condition = template[head[4]:head[5]]
		}
		switch template[head[2]:head[3]] {
		case "AWS::SecretsManager::Secret":
			p.secrets++
		case "AWS::CloudWatch::Alarm":
			// An alarm over an expression is billed for each metric of the expression.
			n, ofMails := max(1, strings.Count(body, "MetricStat:")), strings.Count(body, "!If [HasMailer, {Id:")
			switch condition {
			case "HasAlarms":
				p.alarms += n
			case "HasMailAlarms":
				p.mailAlarms += n
			case "IsGradual":
				p.rollout, p.mailRollout = p.rollout+n-ofMails, p.mailRollout+ofMails
			default:
				return fmt.Errorf("template.yaml: an alarm has the condition %q (want HasAlarms, HasMailAlarms or IsGradual)", condition)
			}
		}
	}
	return nil
}

// stack is a kind of deployment, with the counts that are billed by the month.
type stack struct {
	name                     string
	secrets, alarms, metrics int
}

// stacks returns the kinds of deployment, the default first.
func (p product) stacks() []stack {
	alarms, metrics := p.alarms+p.mailAlarms, p.metrics+p.mailMetrics
	return []stack{
		{"without mails", p.secrets, p.alarms, p.metrics},
		{"with mails", p.secrets, alarms, metrics},
		{"with mails and a gradual `Rollout`", p.secrets, alarms + p.rollout + p.mailRollout, metrics},
	}
}

// idle is what a stack costs in a month without a request.
func (s stack) idle() float64 {
	return float64(s.secrets)*secret.amount + float64(s.alarms)*alarm.amount + dashboard.amount
}

// most is what a stack costs in a month in which every metric gets a value in every hour.
func (s stack) most() float64 { return s.idle() + float64(s.metrics)*metric.amount }
