package authorizer

import (
	"encoding/json"
	"errors"
	"strings"
)

// errARN says that an ARN is none of an API's method or route.
var errARN = errors.New("malformed ARN")

// wholeStage returns the pattern of everything in the stage of one method's ARN. The gateway caches a policy by token,
// not by method: one for the method asked for would refuse the same client's next call to another.
//
// The form is arn:{partition}:execute-api:{region}:{account}:{api}/{stage}/{method}/{path}. Every part but the method
// and the path is checked, so that no wildcard widens the policy beyond its stage; the path is the client's.
func wholeStage(arn string) (string, error) {
	parts := strings.SplitN(arn, ":", 6)
	if len(parts) != 6 || parts[0] != "arn" || parts[2] != "execute-api" {
		return "", errARN
	}
	resource := strings.SplitN(parts[5], "/", 3)
	if len(resource) != 3 {
		return "", errARN
	}
	partition, region, account, api, stage := parts[1], parts[3], parts[4], resource[0], resource[1]
	for _, part := range []string{partition, region, account, api, strings.TrimPrefix(stage, "$")} {
		if !isName(part) {
			return "", errARN
		}
	}
	return "arn:" + partition + ":execute-api:" + region + ":" + account + ":" + api + "/" + stage + "/*", nil
}

// isName tells whether s can be a part of an ARN and no pattern.
func isName(s string) bool {
	for _, r := range s {
		switch {
		case 'a' <= r && r <= 'z', 'A' <= r && r <= 'Z', '0' <= r && r <= '9', r == '-', r == '_':
		default:
			return false
		}
	}
	return s != ""
}

type iamAnswer struct {
	PrincipalID    string            `json:"principalId"`
	PolicyDocument policy            `json:"policyDocument"`
	Context        map[string]string `json:"context,omitempty"`
}

type policy struct {
	Version   string
	Statement [1]statement
}

type statement struct {
	Action, Effect, Resource string
}

// unknownPrincipal is the principalId of a refusal; the gateway wants one that is not empty.
const unknownPrincipal = "unauthenticated"

// policyAnswer encodes d as a policy for the whole stage of r.
func policyAnswer(r Request, d Decision) ([]byte, error) {
	stage, err := wholeStage(r.ARN)
	if err != nil {
		return nil, err
	}
	a, effect := iamAnswer{PrincipalID: unknownPrincipal}, "Deny"
	if d.Outcome == Allow {
		a, effect = iamAnswer{PrincipalID: string(d.Claims.Subject), Context: contextOf(d.Claims)}, "Allow"
	}
	a.PolicyDocument = policy{
		Version:   "2012-10-17", // of the policy language, not of this policy
		Statement: [1]statement{{Action: "execute-api:Invoke", Effect: effect, Resource: stage}},
	}
	return json.Marshal(a)
}
