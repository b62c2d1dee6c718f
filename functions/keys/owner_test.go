package main

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/cfn"

	"github.com/edgeauth/edgeauth/internal/awsclient"
	"github.com/edgeauth/edgeauth/internal/keyrings"
)

// texts returns the contents of the secrets.
func (s *stack) texts() []string {
	s.t.Helper()
	signing, refresh := s.stored()
	return []string{textOf(s.t.(*testing.T), signing), textOf(s.t.(*testing.T), refresh)}
}

// An event of another stack changes nothing. The other stack learns the reason at once and can be
// deleted.
func TestEventOfAnotherStack(t *testing.T) {
	s := newStack(t)
	s.create()
	before := s.texts()
	wish := maps.Clone(s.deployed)
	wish[dropKeys] = "all"
	s.service.Calls()
	s.id = nextStack // the function still belongs to ownStack
	for _, event := range [][]byte{
		s.request("Create", wish, nil), s.request("Update", wish, s.deployed), s.request("Create", s.deployed, nil),
	} {
		r := s.send(event)
		if r.Status != "FAILED" || !strings.Contains(r.Reason, "another stack") || strings.Contains(r.Reason, guid) || len(r.Data) > 0 {
			t.Errorf("%+v", r)
		}
	}
	if r := s.send(s.request("Delete", wish, nil)); r.Status != "SUCCESS" || len(r.Data) > 0 {
		t.Errorf("%+v", r)
	}
	if calls := s.service.Calls(); len(calls) > 0 || !slices.Equal(s.texts(), before) {
		t.Errorf("it called %v", calls)
	}
}

// A long RequestId would fill the rings, which keep the last ids, and no request could move the
// rings again.
func TestRequestIDIsBounded(t *testing.T) {
	s := newStack(t)
	s.create()
	before := s.texts()
	for _, id := range []string{"", strings.Repeat("r", 65), strings.Repeat("r", 60_000)} {
		var event map[string]any
		if err := json.Unmarshal(s.request("Update", s.deployed, s.deployed), &event); err != nil {
			t.Fatal(err)
		}
		event["RequestId"] = id
		text, err := json.Marshal(event)
		if err != nil {
			t.Fatal(err)
		}
		if r := s.send(text); r.Status != "FAILED" || len(id) < 1000 && !strings.Contains(r.Reason, "RequestId") {
			t.Errorf("%d bytes: %+v", len(id), r)
		}
	}
	if !slices.Equal(s.texts(), before) {
		t.Error("the rings have changed")
	}
	if r := s.update("Issuer", "https://new.example.com"); r.Status != "SUCCESS" {
		t.Errorf("the next request: %s", r.Reason)
	}
}

// Rings of another stack are taken over only by a deployment that names that stack. Afterwards the
// earlier stack cannot move them.
func TestTakeOver(t *testing.T) {
	s := newStack(t)
	s.create()
	before := s.texts()
	s.become(nextStack)
	s.properties = maps.Clone(s.deployed)
	for _, other := range []string{"", nextStack, strings.Replace(ownStack, guid, "11111111-cd98-11ea-90d5-0a9cd3354c10", 1)} {
		s.properties[takeOverStack] = other
		r := s.create()
		if r.Status != "FAILED" || !strings.Contains(r.Reason, "belongs to another stack, "+ownStack) ||
			!strings.Contains(r.Reason, "TakeOverStack="+ownStack) {
			t.Errorf("TakeOverStack=%s: %s %s", other, r.Status, r.Reason)
		}
	}
	s.properties[takeOverStack] = "edgeauth"
	if r := s.create(); r.Status != "FAILED" || !strings.Contains(r.Reason, "TakeOverStack is wrong: it should hold nothing, or the id of a stack") {
		t.Errorf("%+v", r)
	}
	if !slices.Equal(s.texts(), before) {
		t.Error("the rings have changed")
	}

	s.properties[takeOverStack] = ownStack
	taken := s.create()
	signing, refresh := s.stored()
	if taken.Status != "SUCCESS" || signing.Stack != nextStack || refresh.Stack != nextStack {
		t.Fatalf("%s %s: they belong to %s and %s", taken.Status, taken.Reason, signing.Stack, refresh.Stack)
	}
	if r := s.send(s.last); !maps.Equal(r.Data, taken.Data) {
		t.Errorf("repeated: %+v", r)
	}
	if r := s.update(takeOverStack, "", "Issuer", "https://new.example.com"); r.Status != "SUCCESS" || r.Data["Jwks"] != taken.Data["Jwks"] {
		t.Errorf("afterwards: %s %s", r.Status, r.Reason)
	}

	before = s.texts()
	s.become(ownStack)
	wish := maps.Clone(s.deployed)
	wish[dropKeys] = "all"
	if r := s.send(s.request("Update", wish, s.deployed)); r.Status != "FAILED" || !strings.Contains(r.Reason, nextStack) {
		t.Errorf("the stack of before: %+v", r)
	}
	if !slices.Equal(s.texts(), before) {
		t.Error("the stack of before has changed the rings")
	}
}

// If the process dies after it took over some of the rings, a repeated request takes over the rest.
func TestHalfTakenOver(t *testing.T) {
	s := newStack(t)
	s.create()
	s.become(nextStack)
	s.properties = maps.Clone(s.deployed)
	s.properties[takeOverStack] = ownStack
	refresh := s.newHandler().secret(s.deployed[refreshKeysARN].(string))
	_, err := keyrings.Update(t.Context(), refresh, keyrings.RefreshRing, func(r keyrings.Ring) (keyrings.Ring, error) {
		return r.Move(keyrings.Move{Version: 1, Stack: nextStack, TakeOver: ownStack}, s.now, s.handler.random)
	})
	if err != nil {
		t.Fatal(err)
	}
	if r := s.create(); r.Status != "SUCCESS" {
		t.Error(r.Reason)
	}
}

// Rings without an owner belong to the stack that moves them next. The new text contains no member
// that earlier code refuses, and earlier code keeps its requests.
func TestRingsWithoutAStack(t *testing.T) {
	s := newStack(t)
	first := s.create()
	for _, name := range []string{signingRingARN, refreshKeysARN} {
		arn := s.deployed[name].(string)
		text, _ := s.service.Text(arn)
		if !strings.Contains(text, `"requests":["stack:`+ownStack+`"`) {
			t.Fatalf("%s does not name its stack first: %s", name, text)
		}
		text = strings.Replace(text, `"stack:`+ownStack+`",`, "", 1)
		s.service.Set(arn, strings.Replace(text, `,"requests":["stack:`+ownStack+`"]`, "", 1))
	}
	if signing, refresh := s.stored(); signing.Stack != "" || refresh.Stack != "" || len(signing.Requests) != 1 {
		t.Fatalf("they belong to %q and %q", signing.Stack, refresh.Stack)
	}
	r := s.update(takeOverStack, "") // an update of the template
	signing, refresh := s.stored()
	if r.Status != "SUCCESS" || r.Data["Jwks"] != first.Data["Jwks"] || signing.Stack != ownStack || refresh.Stack != ownStack {
		t.Errorf("%s %s: they belong to %q and %q", r.Status, r.Reason, signing.Stack, refresh.Stack)
	}
	if back := s.rollback(); back.Status != "SUCCESS" {
		t.Error(back.Reason)
	}
	// The members that earlier code knows.
	known := []string{"v", "serial", "keys", "requests", "dropped", "purge"}
	for _, text := range s.texts() {
		var members map[string]json.RawMessage
		if err := json.Unmarshal([]byte(text), &members); err != nil {
			t.Fatal(err)
		}
		for name := range members {
			if !slices.Contains(known, name) {
				t.Errorf("the ring has the member %q", name)
			}
		}
	}
}

// Only an update drops keys, because an update contains the previous properties.
func TestDropIsAnUpdate(t *testing.T) {
	s := newStack(t)
	s.properties[dropKeys] = "all"
	if r := s.create(); r.Status != "FAILED" || !strings.Contains(r.Reason, "DropKeys is allowed only in an update of the stack") {
		t.Fatalf("%+v", r)
	}
	s.properties[dropKeys] = ""
	first := s.create()
	before := s.texts()
	for _, drop := range []string{"all", first.kids(t)[0]} {
		wish := maps.Clone(s.deployed)
		wish[dropKeys], wish[keyVersion] = drop, "2"
		for _, event := range [][]byte{
			s.request("Create", wish, nil), s.request("Create", wish, s.deployed),
			s.request("Update", wish, nil), s.request("Update", wish, map[string]any{}),
		} {
			if r := s.send(event); r.Status != "FAILED" || !strings.Contains(r.Reason, "DropKeys is allowed only in an update of the stack") {
				t.Errorf("%+v", r)
			}
		}
	}
	if !slices.Equal(s.texts(), before) {
		t.Error("the rings have changed")
	}
}

// An event whose answer would not go to CloudFormation is not from CloudFormation: the function
// does nothing and sends nothing.
func TestAnswerGoesToCloudFormation(t *testing.T) {
	const bucket = "cloudformation-custom-resource-response-"
	for url, ok := range map[string]bool{
		"https://" + bucket + "useast1.s3.amazonaws.com/arn?X-Amz-Signature=1":     true,
		"https://" + bucket + "euwest1.s3-eu-west-1.amazonaws.com/arn":             true,
		"https://" + bucket + "useast1.s3.us-east-1.amazonaws.com:443/arn":         true,
		"https://" + bucket + "euwest1.s3.dualstack.eu-west-1.amazonaws.com/arn":   true,
		"https://" + bucket + "usgovwest1.s3-fips.us-gov-west-1.amazonaws.com/arn": true,
		"https://" + bucket + "cnnorth1.s3.cn-north-1.amazonaws.com.cn/arn":        true,
		"https://" + bucket + "euscdeeast1.s3.eusc-de-east-1.amazonaws.eu/arn":     true,
		"https://" + bucket + "usisoeast1.s3.us-iso-east-1.c2s.ic.gov/arn":         true,
		"https://" + bucket + "usisobeast1.s3.us-isob-east-1.sc2s.sgov.gov/arn":    true,
		"https://" + bucket + "euisoewest1.s3.eu-isoe-west-1.cloud.adc-e.uk/arn":   true,
		"https://" + bucket + "usisofsouth1.s3.us-isof-south-1.csp.hci.ic.gov/arn": true,
		"https://" + bucket + "euwest1.s3.cn-north-1.amazonaws.com.cn/arn":         false, // another partition
		"https://" + bucket + "euwest1.s3.amazonaws.com.cn/arn":                    false,
		"https://" + bucket + "useast1.s3.c2s.ic.gov/arn":                          false,
		"https://" + bucket + "cnnorth1.s3.amazonaws.com/arn":                      false,
		"https://" + bucket + "euwest1.s3.us-east-1.amazonaws.com/arn":             false, // another Region
		"https://" + bucket + "euwest1.s3-web-site-1.amazonaws.com/arn":            false,
		"http://" + bucket + "useast1.s3.amazonaws.com/arn":                        false,
		"https://user@" + bucket + "useast1.s3.amazonaws.com/arn":                  false,
		"https://" + bucket + "useast1.s3.amazonaws.com:8443/arn":                  false,
		"https://other-bucket.s3.amazonaws.com/arn":                                false,
		"https://s3.amazonaws.com/arn":                                             false,
		"https://" + bucket + "useast1.s3.amazonaws.com.example.com/arn":           false,
		"https://" + bucket + "useast1.s3.example.com/arn":                         false,
		"https://" + bucket + "useast1.s3.execute-api.us-east-1.amazonaws.com/arn": false,
		"https://x." + bucket + "useast1.s3.amazonaws.com/arn":                     false,
		"https://example.com/" + bucket + "useast1.s3.amazonaws.com/arn":           false,
		"https://example.com#" + bucket + "useast1.s3.amazonaws.com":               false,
		"http://127.0.0.1:4566/arn":                                                false,
		"http://localhost/arn":                                                     false,
		"https://169.254.169.254/arn":                                              false,
		"http://emulator.example.com:4566/arn?x":                                   false,
	} {
		region := regionIn(url)
		deployed := newHandler(ownStack, "", "arm64", awsclient.Config{Region: region}, awsclient.Config{})
		if err := deployed.mayAnswer(url); (err == nil) != ok || err != nil && strings.Contains(err.Error(), "example.com") {
			t.Errorf("%s: %v", url, err)
		}
		emulated := newHandler(ownStack, "http://emulator.example.com:4566", "arm64", awsclient.Config{Region: region}, awsclient.Config{})
		if err := newHandler(ownStack, "", "arm64", awsclient.Config{Region: "ap-east-1"}, awsclient.Config{}).mayAnswer(url); err == nil {
			t.Errorf("%s: the bucket of another Region is taken", url)
		}
		want := ok || strings.HasPrefix(url, "http://emulator.example.com:4566/")
		if err := emulated.mayAnswer(url); (err == nil) != want {
			t.Errorf("in an emulator %s: %v", url, err)
		}
	}

	s := newStack(t)
	s.handler.emulator = ""
	s.service.Calls()
	for _, kind := range []cfn.RequestType{cfn.RequestCreate, cfn.RequestUpdate, cfn.RequestDelete} {
		if _, err := s.handler.Invoke(t.Context(), s.request(string(kind), s.properties, s.properties)); err == nil {
			t.Errorf("a %s that is answered on loopback was carried out", kind)
		}
	}
	if calls := s.service.Calls(); len(calls) > 0 || s.answers.count() > 0 {
		t.Errorf("it called %v and answered %d times", calls, s.answers.count())
	}
}

// regionIn returns the Region of the bucket in a URL.
func regionIn(url string) string {
	for _, region := range []string{
		"eu-west-1", "us-gov-west-1", "cn-north-1", "eusc-de-east-1", "us-iso-east-1", "us-isob-east-1", "eu-isoe-west-1", "us-isof-south-1",
	} {
		if strings.Contains(url, "-"+strings.ReplaceAll(region, "-", "")+".") {
			return region
		}
	}
	return "us-east-1"
}
