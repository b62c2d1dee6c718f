package authorizer

import "strings"

// maxResource is the longest Resource that API Gateway takes in a policy.
const maxResource = 512

// target is what the ARN of a method or route names: arn:{partition}:execute-api:{region}:{account}:{api}/{stage}/ and
// behind it the resource, {method}/{path} or a route's own name like $connect.
type target struct {
	stage    string // the ARN up to the resource, a slash at its end; empty where there is no such ARN
	resource string // the client's part
}

// parseARN holds everything before the resource to what a name may be, so that no wildcard in it widens a policy beyond
// its stage. The resource is the client's, and whoever writes it into a policy must look at it.
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
	return target{stage: arn[:before], resource: resource}
}

// isName tells whether s can be a part of an ARN and no pattern.
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
