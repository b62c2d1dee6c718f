// Package emf reads the metrics in a line of a log as CloudWatch does, by the rules of its Embedded
// Metric Format:
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
//
//	data, problems := emf.Read(line)
package emf

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"time"
)

// Datum has the values that CloudWatch takes from one line for one metric and one set of
// dimensions.
type Datum struct {
	Namespace  string
	Name, Unit string
	Dimensions map[string]string
	Values     []float64
	At         time.Time
}

// Sum returns the sum of the values.
func (d Datum) Sum() (sum float64) {
	for _, v := range d.Values {
		sum += v
	}
	return sum
}

// The limits of the format, and of the API that stores metrics.
const (
	maxMetrics       = 100
	maxValues        = 100
	maxDimensions    = 30
	maxNamespace     = 255
	maxName          = 255
	maxDimensionName = 255
	maxDimension     = 1024
	maxLine          = 256 << 10
)

var (
	units = strings.Fields("Seconds Microseconds Milliseconds Bytes Kilobytes Megabytes Gigabytes Terabytes Bits Kilobits Megabits Gigabits Terabits " +
		"Percent Count Bytes/Second Kilobytes/Second Megabytes/Second Gigabytes/Second Terabytes/Second Bits/Second Kilobits/Second Megabits/Second " +
		"Gigabits/Second Terabits/Second Count/Second None")
	namespaceForm = regexp.MustCompile(`^[0-9A-Za-z.\-_/#:]+$`)
)

type directive struct {
	Namespace  *string
	Dimensions *[][]string
	Metrics    *[]struct {
		Name *string
		Unit string
	}
}

// Read returns the metrics of a line, and its problems. An object without the member _aws has no
// metrics and no problems.
func Read(line []byte) (data []Datum, problems []string) {
	wrong := func(format string, args ...any) { problems = append(problems, fmt.Sprintf(format, args...)) }
	var root map[string]json.RawMessage
	if err := json.Unmarshal(line, &root); err != nil {
		return nil, []string{"the line is no object: " + err.Error()}
	}
	if len(line) > maxLine {
		wrong("the line has %d bytes", len(line))
	}
	if twice := repeated(line); twice != "" {
		wrong("the member %s stands twice", twice)
	}
	if root["_aws"] == nil {
		return nil, problems
	}
	var meta struct {
		Timestamp         *int64
		CloudWatchMetrics *[]directive
	}
	if err := strict(root["_aws"], &meta); err != nil || meta.Timestamp == nil || meta.CloudWatchMetrics == nil || *meta.Timestamp < 0 {
		return nil, append(problems, fmt.Sprintf("_aws is %s: %v", root["_aws"], err))
	}
	seen := map[string]bool{}
	for _, d := range *meta.CloudWatchMetrics {
		if d.Namespace == nil || d.Dimensions == nil || d.Metrics == nil {
			wrong("a directive lacks a member: %s", root["_aws"])
			continue
		}
		if ns := *d.Namespace; len(ns) > maxNamespace || !namespaceForm.MatchString(ns) || strings.HasPrefix(ns, "AWS/") || ns[0] == ':' {
			wrong("the namespace is %q", ns)
		}
		if n := len(*d.Metrics); n < 1 || n > maxMetrics {
			wrong("a directive has %d metrics", n)
		}
		if len(*d.Dimensions) == 0 {
			wrong("a directive has no set of dimensions")
		}
		for _, set := range *d.Dimensions {
			dimensions := map[string]string{}
			if len(set) > maxDimensions {
				wrong("a set has %d dimensions", len(set))
			}
			for _, name := range set {
				var value string
				if err := json.Unmarshal(root[name], &value); err != nil || !ascii(value) || len(value) > maxDimension || strings.TrimSpace(value) == "" {
					wrong("the dimension %s is %s", name, root[name])
				}
				if name == "" || name[0] == ':' || len(name) > maxDimensionName || !ascii(name) || dimensions[name] != "" {
					wrong("a dimension has the name %q", name)
				}
				dimensions[name] = value
			}
			for _, m := range *d.Metrics {
				if m.Name == nil || *m.Name == "" || len(*m.Name) > maxName || !ascii(*m.Name) {
					wrong("a metric has no name: %s", root["_aws"])
					continue
				}
				if m.Unit != "" && !slices.Contains(units, m.Unit) {
					wrong("the unit of %s is %q", *m.Name, m.Unit)
				}
				values, err := numbers(root[*m.Name])
				if err != nil || len(values) < 1 || len(values) > maxValues {
					wrong("the metric %s is %s", *m.Name, root[*m.Name])
				}
				id := *d.Namespace + fmt.Sprint(*m.Name, dimensions)
				if seen[id] {
					wrong("the metric %s with the dimensions %v is counted twice", *m.Name, dimensions)
				}
				seen[id] = true
				data = append(data, Datum{*d.Namespace, *m.Name, m.Unit, dimensions, values, time.UnixMilli(*meta.Timestamp)})
			}
		}
	}
	return data, problems
}

// strict decodes an object, and refuses members that the format does not have.
func strict(raw []byte, into any) error {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.DisallowUnknownFields()
	return d.Decode(into)
}

func numbers(raw []byte) (values []float64, err error) {
	if raw == nil {
		return nil, errors.New("missing")
	}
	if raw[0] == '[' {
		err = json.Unmarshal(raw, &values)
		return values, err
	}
	var one float64
	err = json.Unmarshal(raw, &one)
	return []float64{one}, err
}

// repeated returns the name of a repeated member of the outermost object, or "". Some readers take
// the first value, and some the last.
func repeated(line []byte) string {
	d := json.NewDecoder(bytes.NewReader(line))
	if _, err := d.Token(); err != nil {
		return ""
	}
	seen := map[string]bool{}
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return ""
		}
		text := fmt.Sprint(name)
		if seen[text] {
			return text
		}
		seen[text] = true
		var value json.RawMessage
		if err := d.Decode(&value); err != nil && !errors.Is(err, io.EOF) {
			return ""
		}
	}
	return ""
}

func ascii(text string) bool {
	return !strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r > '~' })
}
