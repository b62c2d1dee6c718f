package authorizer

import "strings"

// maxResource is the maximum length of a Resource in a policy of API Gateway.
const maxResource = 512

// target is the parsed ARN of a method or route:
// arn:{partition}:execute-api:{region}:{account}:{api}/{stage}/{resource}. The resource is
// {method}/{path}, or the key of a route such as $connect.
type target struct {
	api      string
	stage    string // the ARN up to the resource, with the final slash; empty if the ARN is invalid
	resource string // chosen by the client
}

// parseARN accepts only plain names before the resource, so that no wildcard there can widen a
// policy beyond its stage. The client chooses the resource, so callers must check it before they
// write it into a policy.
func parseARN(arn string) target {
	rest, ok := strings.CutPrefix(arn, "arn:")
	partition, rest, _ := strings.Cut(rest, ":")
	service, rest, _ := strings.Cut(rest, ":")
	region, rest, _ := strings.Cut(rest, ":")
	account, rest, _ := strings.Cut(rest, ":")
	api, rest, _ := strings.Cut(rest, "/")
	stage, resource, found := strings.Cut(rest, "/")
	ok = ok && found && service == "execute-api" && isName(partition) && isName(region) && isName(account) &&
		isName(api) && isName(strings.TrimPrefix(stage, "$"))
	before := len(arn) - len(resource)
	if !ok || before > maxResource-maxPattern {
		return target{}
	}
	return target{api: api, stage: arn[:before], resource: resource}
}

// isName reports whether s is a valid name in an ARN and contains no wildcard.
func isName(s string) bool {
	for i := range len(s) {
		switch c := s[i]; {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '-', c == '_':
		default:
			return false
		}
	}
	return s != ""
}
