package deploy_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	signer "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
)

// owner has the credentials of the owner of the emulator's account.
var owner = credentials.NewStaticCredentialsProvider("test", "test", "")

func (c *cloud) cloudFormation() *cloudformation.Client {
	return cloudformation.New(cloudformation.Options{Region: region, BaseEndpoint: &c.url, HTTPClient: c.client, Credentials: owner})
}

// document is a template.
type document map[string]any

// clone returns a copy that can be changed.
func (d document) clone() document {
	text, err := json.Marshal(d)
	if err != nil {
		panic(err) // it was JSON before
	}
	var other document
	if err := json.Unmarshal(text, &other); err != nil {
		panic(err)
	}
	return other
}

func (d document) resources() object { return d["Resources"].(object) }

// packaged returns the template that was built in a folder as "sam package" leaves it, with the
// functions in a bucket.
func (p *project) packaged(ctx context.Context, folder string) (document, error) {
	output := packagedFile(folder)
	err := p.sam(ctx, "package", "--template-file", filepath.Join(folder, "template.yaml"), "--resolve-s3", "--output-template-file", output)
	if err != nil {
		return nil, err
	}
	return p.Read(ctx, output)
}

func packagedFile(folder string) string { return filepath.Join(folder, "packaged.yaml") }

// put creates or updates the stack from a packaged template, without SAM CLI and in a fraction of
// its time. As with SAM CLI, the template goes through a bucket, because a request can hold a
// template of at most 51,200 bytes, and a parameter that is not given keeps its value.
func (s *stack) put(d document, parameters ...string) error {
	body, err := json.Marshal(d)
	if err != nil {
		return err
	}
	ctx, client := s.t.Context(), s.cloudFormation()
	template, err := s.upload(ctx, s.name, body)
	if err != nil {
		return err
	}
	given := map[string]string{}
	for _, p := range parameters {
		name, value, _ := strings.Cut(p, "=")
		given[name] = value
	}
	capabilities := []types.Capability{types.CapabilityCapabilityIam, types.CapabilityCapabilityAutoExpand}
	if s.id == "" {
		_, err = client.CreateStack(ctx, &cloudformation.CreateStackInput{
			StackName: &s.name, TemplateURL: &template, Parameters: values(given), Capabilities: capabilities,
		})
	} else {
		all := values(given)
		for name := range d["Parameters"].(object) {
			if _, ok := given[name]; !ok {
				all = append(all, types.Parameter{ParameterKey: aws.String(name), UsePreviousValue: aws.Bool(true)})
			}
		}
		_, err = client.UpdateStack(ctx, &cloudformation.UpdateStackInput{
			StackName: &s.name, TemplateURL: &template, Parameters: all, Capabilities: capabilities,
		})
	}
	if err != nil {
		return err
	}
	return s.settle("CREATE_COMPLETE", "UPDATE_COMPLETE")
}

// upload puts a template into a bucket and returns its URL. It creates a missing bucket.
func (c *cloud) upload(ctx context.Context, name string, body []byte) (url string, err error) {
	const bucket = "/templates"
	url = c.url + bucket + "/" + name + ".json"
	for _, put := range []struct {
		url  string
		body []byte
	}{{c.url + bucket, nil}, {url, body}} {
		r, err := http.NewRequestWithContext(ctx, http.MethodPut, put.url, bytes.NewReader(put.body))
		if err != nil {
			return "", err
		}
		who, err := owner.Retrieve(ctx)
		if err != nil {
			return "", err
		}
		hash := fmt.Sprintf("%x", sha256.Sum256(put.body))
		r.Header.Set("X-Amz-Content-Sha256", hash)
		if err := signer.NewSigner().SignHTTP(ctx, who, r, hash, "s3", region, time.Now()); err != nil {
			return "", err
		}
		answer, err := c.client.Do(r)
		if err != nil {
			return "", err
		}
		text, _ := io.ReadAll(answer.Body)
		_ = answer.Body.Close()
		if answer.StatusCode != http.StatusOK && answer.StatusCode != http.StatusConflict { // the bucket is there
			return "", fmt.Errorf("PUT %s: %s %s", put.url, answer.Status, text)
		}
	}
	return url, nil
}

func values(given map[string]string) (all []types.Parameter) {
	for _, name := range slices.Sorted(maps.Keys(given)) {
		all = append(all, types.Parameter{ParameterKey: aws.String(name), ParameterValue: aws.String(given[name])})
	}
	return all
}

// mustPut puts, and ends the test if that fails.
func (s *stack) mustPut(d document, parameters ...string) {
	s.t.Helper()
	if err := s.put(d, parameters...); err != nil {
		s.t.Fatal(err)
	}
}

// drop deletes the stack, without SAM CLI.
func (s *stack) drop() {
	s.t.Helper()
	_, err := s.cloudFormation().DeleteStack(s.t.Context(), &cloudformation.DeleteStackInput{StackName: &s.name})
	if err := errors.Join(err, s.settle("DELETE_COMPLETE")); err != nil {
		s.t.Fatal(err)
	}
	s.id = ""
}

// settle waits until CloudFormation has finished the operation. If the operation fails, the error
// contains the reasons.
func (s *stack) settle(wanted ...string) error {
	for {
		if err := s.describe(); err != nil {
			return err
		}
		if !strings.HasSuffix(s.status, "_IN_PROGRESS") {
			break
		}
		select {
		case <-s.t.Context().Done():
			return s.t.Context().Err()
		case <-time.After(100 * time.Millisecond):
		}
	}
	if slices.Contains(wanted, s.status) {
		return nil
	}
	reasons, err := s.failures()
	return errors.Join(fmt.Errorf("the stack %s is %s: %s", s.name, s.status, strings.Join(reasons, "; ")), err)
}

// describe reads the stack from CloudFormation.
func (s *stack) describe() error {
	name := s.name
	if s.id != "" {
		name = s.id // a deleted stack is only known by its id
	}
	out, err := s.cloudFormation().DescribeStacks(s.t.Context(), &cloudformation.DescribeStacksInput{StackName: &name})
	if err != nil {
		return err
	}
	s.id, s.status, s.outputs = aws.ToString(out.Stacks[0].StackId), string(out.Stacks[0].StackStatus), map[string]string{}
	for _, o := range out.Stacks[0].Outputs {
		s.outputs[aws.ToString(o.OutputKey)] = aws.ToString(o.OutputValue)
	}
	return nil
}

// events returns the events of the stack's resources, the earliest first.
func (s *stack) events() (events []types.StackEvent, err error) {
	pages := cloudformation.NewDescribeStackEventsPaginator(s.cloudFormation(), &cloudformation.DescribeStackEventsInput{StackName: &s.id})
	for pages.HasMorePages() {
		page, err := pages.NextPage(s.t.Context())
		if err != nil {
			return nil, err
		}
		events = append(events, page.StackEvents...)
	}
	slices.Reverse(events)
	return events, nil
}

// failures returns why resources failed.
func (s *stack) failures() (reasons []string, err error) {
	events, err := s.events()
	for _, e := range events {
		if strings.HasSuffix(string(e.ResourceStatus), "_FAILED") {
			reasons = append(reasons, aws.ToString(e.LogicalResourceId)+": "+aws.ToString(e.ResourceStatusReason))
		}
	}
	return reasons, err
}
