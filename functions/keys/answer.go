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
	maxAnswer      = 4096 // the limit of CloudFormation
	answerAttempts = 3
	answerTimeout  = 4 * time.Second  // for one attempt
	answerTime     = 15 * time.Second // reserved for all attempts
)

// answerTo returns the answer to a request. Its physical id never changes during the life of a
// stack, because CloudFormation treats a new id as a new resource and deletes the old resource.
func answerTo(e cfn.Event, data map[string]any, err error) *cfn.Response {
	r := cfn.NewResponse(&e)
	r.Status, r.Data = cfn.StatusSuccess, data
	r.PhysicalResourceID = e.PhysicalResourceID
	if guid := stackGUID(e.StackID); guid != "" {
		r.PhysicalResourceID = "edgeauth-" + kindOf(e.ResourceType) + "-" + guid
	} else if r.PhysicalResourceID == "" {
		r.PhysicalResourceID = "edgeauth-" + kindOf(e.ResourceType)
	}
	if err != nil {
		r.Status, r.Data, r.Reason = cfn.StatusFailed, nil, err.Error()
	}
	if text, err := encode(r); err == nil && len(text) > maxAnswer && r.Status == cfn.StatusSuccess {
		r.Status, r.Data = cfn.StatusFailed, nil
		r.Reason = fmt.Sprintf("the answer has %d bytes (CloudFormation accepts at most %d)", len(text), maxAnswer)
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
	e.SetEscapeHTML(false) // escapes would use the room of the reason
	err := e.Encode(r)
	return bytes.TrimSpace(text.Bytes()), err
}

// put sends the answer, and retries if sending fails. Its errors do not contain the URL.
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
	// The request has no Content-Type, because the signature does not cover one.
	request, err := http.NewRequestWithContext(ctx, http.MethodPut, to, bytes.NewReader(text))
	if err != nil {
		return false, errors.New("the ResponseURL is not a URL")
	}
	answer, err := h.client.Do(request)
	var inURL *url.Error
	if errors.As(err, &inURL) {
		err = inURL.Err
	}
	if err != nil {
		return true, fmt.Errorf("the answer was not accepted: %w", err)
	}
	defer func() { _ = answer.Body.Close() }() // read-only
	_, _ = io.Copy(io.Discard, io.LimitReader(answer.Body, maxAnswer))
	if answer.StatusCode >= http.StatusMultipleChoices {
		again = answer.StatusCode >= http.StatusInternalServerError
		return again, fmt.Errorf("the answer was not accepted: status %d", answer.StatusCode)
	}
	return false, nil
}

// isBucket reports whether a host is the bucket at which CloudFormation expects the answers of
// custom resources in the Region of this function. The bucket is
// cloudformation-custom-resource-response-<Region without dashes>, at any S3 endpoint of the
// Region. Bucket names are unique within a partition. The bucket of another Region, or a bucket of
// the same name in another partition, may belong to a stranger.
func (h *handler) isBucket(host string) bool {
	region, without := regexp.QuoteMeta(h.region), strings.ReplaceAll(h.region, "-", "")
	pattern := `^cloudformation-custom-resource-response-(` + regexp.QuoteMeta(without) + `|` + region + `)` +
		`\.s3(-fips)?(\.dualstack)?([.-]` + region + `)?\.` + regexp.QuoteMeta(domainOf(h.region)) + `$`
	return regexp.MustCompile(pattern).MatchString(host)
}

// domainOf returns the domain of a Region's endpoints, which depends on the partition.
func domainOf(region string) string {
	for prefix, domain := range map[string]string{
		"cn-": "amazonaws.com.cn", "eusc-": "amazonaws.eu", "us-iso-": "c2s.ic.gov", "us-isob-": "sc2s.sgov.gov",
		"eu-isoe-": "cloud.adc-e.uk", "us-isof-": "csp.hci.ic.gov",
	} {
		if strings.HasPrefix(region, prefix) {
			return domain
		}
	}
	return "amazonaws.com"
}

// mayAnswer returns an error unless CloudFormation expects an answer at a URL: an https URL of its
// bucket, or a URL of the emulator that this process runs in. Its errors do not contain the URL.
func (h *handler) mayAnswer(to string) error {
	u, err := url.Parse(to)
	if err != nil || u.Host == "" {
		return errors.New("the ResponseURL is not a URL")
	}
	if e, err := url.Parse(h.emulator); err == nil && h.emulator != "" && u.Scheme == e.Scheme && u.Host == e.Host {
		return nil
	}
	switch {
	case u.Scheme != "https":
		return errors.New("the ResponseURL is not an https URL")
	case u.User != nil || u.Port() != "" && u.Port() != "443" || !h.isBucket(u.Hostname()):
		return fmt.Errorf("the ResponseURL is not at the bucket of CloudFormation in this Region, "+
			"https://cloudformation-custom-resource-response-%s.s3.%s.%s/", strings.ReplaceAll(h.region, "-", ""), h.region, domainOf(h.region))
	}
	return nil
}
