package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/aws/aws-lambda-go/cfn"
)

const (
	maxAnswer      = 4096 // CloudFormation's own limit
	answerAttempts = 3
	answerTimeout  = 4 * time.Second  // of one attempt
	answerTime     = 15 * time.Second // is kept for all of them
)

// answerTo makes the answer to a request. Its physical id never changes in the life of a stack, because CloudFormation
// takes a new id for a new resource and deletes the old one.
func answerTo(e cfn.Event, data map[string]any, err error) *cfn.Response {
	r := cfn.NewResponse(&e)
	r.Status, r.Data = cfn.StatusSuccess, data
	r.PhysicalResourceID = e.PhysicalResourceID
	if guid := stackGUID(e.StackID); guid != "" {
		r.PhysicalResourceID = "edgeauth-keys-" + guid
	} else if r.PhysicalResourceID == "" {
		r.PhysicalResourceID = "edgeauth-keys"
	}
	if err != nil {
		r.Status, r.Data, r.Reason = cfn.StatusFailed, nil, err.Error()
	}
	if text, err := encode(r); err == nil && len(text) > maxAnswer && r.Status == cfn.StatusSuccess {
		r.Status, r.Data = cfn.StatusFailed, nil
		r.Reason = fmt.Sprintf("the answer has %d bytes, and CloudFormation takes %d", len(text), maxAnswer)
	}
	for {
		text, err := encode(r)
		if err != nil || len(text) <= maxAnswer || r.Reason == "" {
			return r
		}
		cut := r.Reason[:len(r.Reason)*3/4]
		r.Reason = strings.ToValidUTF8(cut, "")
	}
}

func encode(r *cfn.Response) ([]byte, error) {
	var text bytes.Buffer
	e := json.NewEncoder(&text)
	e.SetEscapeHTML(false) // escapes would take the reason's room
	err := e.Encode(r)
	return bytes.TrimSpace(text.Bytes()), err
}

// put sends the answer, again where that fails. Its errors do not hold the URL.
func (h *handler) put(ctx context.Context, to string, r *cfn.Response) error {
	text, err := encode(r)
	if err != nil {
		return err
	}
	for attempt := 1; ; attempt++ {
		again, err := h.putOnce(ctx, to, text)
		if err == nil || !again || attempt == answerAttempts || ctx.Err() != nil {
			return err
		}
		h.sleep(ctx, time.Duration(attempt)*500*time.Millisecond)
	}
}

func (h *handler) putOnce(ctx context.Context, to string, text []byte) (again bool, err error) {
	// There must be no Content-Type: it is not a part of what was signed.
	request, err := http.NewRequestWithContext(ctx, http.MethodPut, to, bytes.NewReader(text))
	if err != nil {
		return false, errors.New("the ResponseURL is no URL")
	}
	answer, err := h.client.Do(request)
	var inURL *url.Error
	if errors.As(err, &inURL) {
		err = inURL.Err
	}
	if err != nil {
		return true, fmt.Errorf("the answer was not taken: %w", err)
	}
	defer func() { _ = answer.Body.Close() }() // it was only read
	_, _ = io.Copy(io.Discard, io.LimitReader(answer.Body, maxAnswer))
	if answer.StatusCode >= http.StatusMultipleChoices {
		again = answer.StatusCode >= http.StatusInternalServerError
		return again, fmt.Errorf("the answer was not taken: status %d", answer.StatusCode)
	}
	return false, nil
}

// cloudFormationHost matches the hosts at which CloudFormation waits for the answers of custom resources: one bucket in
// each Region, cloudformation-custom-resource-response-<Region without dashes>, at any of the Region's S3 endpoints. The
// suffixes are those of the partitions aws and aws-us-gov, aws-cn, aws-eusc, and the isolated ones.
var cloudFormationHost = regexp.MustCompile(`^cloudformation-custom-resource-response-[a-z0-9-]+` +
	`\.s3(-fips)?(\.dualstack)?([.-][a-z]{2,4}(-[a-z]+)+-[0-9]+)?` +
	`\.(amazonaws\.com|amazonaws\.com\.cn|amazonaws\.eu|c2s\.ic\.gov|sc2s\.sgov\.gov|cloud\.adc-e\.uk|csp\.hci\.ic\.gov)$`)

// isBucket tells whether a host is CloudFormation's bucket in this function's own Region. Names of buckets are global: a
// bucket that is named after a Region which does not exist can belong to a stranger.
func (h *handler) isBucket(host string) bool {
	const bucket = "cloudformation-custom-resource-response-"
	own := strings.HasPrefix(host, bucket+strings.ReplaceAll(h.region, "-", "")+".s3") || strings.HasPrefix(host, bucket+h.region+".s3")
	return own && cloudFormationHost.MatchString(host)
}

// mayAnswer returns an error unless a URL is where CloudFormation waits for an answer: https at one of its buckets, or
// the emulator that this process runs in. Its errors do not hold the URL.
func (h *handler) mayAnswer(to string) error {
	u, err := url.Parse(to)
	if err != nil || u.Host == "" {
		return errors.New("the ResponseURL is no URL")
	}
	if e, err := url.Parse(h.emulator); err == nil && h.emulator != "" && u.Scheme == e.Scheme && u.Host == e.Host {
		return nil
	}
	switch {
	case u.Scheme != "https":
		return errors.New("the ResponseURL is no https URL")
	case u.User != nil || u.Port() != "" && u.Port() != "443" || !h.isBucket(u.Hostname()):
		return fmt.Errorf("the ResponseURL is not at the bucket of CloudFormation in this Region, "+
			"https://cloudformation-custom-resource-response-%s.s3.%s.amazonaws.com/", strings.ReplaceAll(h.region, "-", ""), h.region)
	}
	return nil
}
