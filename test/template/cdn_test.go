package template

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
)

// The managed policies of CloudFront, by their documented ids.
const (
	cachingDisabled           = "4135ea2d-6df8-44a3-9df3-4b5a84be39ad"
	allViewerExceptHostHeader = "b689b0a8-53d0-40ab-baf2-68738e2966ac"
)

// TestCDN checks the distribution in front of a page, edgeauth's API and an API of the application.
func TestCDN(t *testing.T) {
	d := translated(t, "examples/cdn/cdn.yaml")
	for _, problem := range cdn(d) {
		t.Error(problem)
	}
	behavior := func(d document, pattern string) tree { return behaviors(d)[pattern] }
	for what, break_ := range map[string]func(document){
		"answers of the API are kept":     func(d document) { behavior(d, "/auth/*")["CachePolicyId"] = "658327ea-f89d-4fab-a63d-7e88639e58f6" },
		"cookies stay at CloudFront":      func(d document) { delete(behavior(d, "/api/*"), "OriginRequestPolicyId") },
		"the API cannot be written to":    func(d document) { behavior(d, "/auth/*")["AllowedMethods"] = []any{"GET", "HEAD"} },
		"a password may go in clear text": func(d document) { behavior(d, "/auth/*")["ViewerProtocolPolicy"] = "redirect-to-https" },
		"the API has the page's origin":   func(d document) { behavior(d, "/auth/*")["TargetOriginId"] = "files" },
		"the keys are not found":          func(d document) { delete(behavior(d, "/.well-known/*"), "PathPattern") },
		"a refusal becomes a page":        func(d document) { errorResponses(d)[0].(tree)["ResponsePagePath"] = "/index.html" },
		"a fault is kept":                 func(d document) { errorResponses(d)[0].(tree)["ErrorCachingMinTTL"] = 10.0 },
		"a fault is kept by default":      func(d document) { distribution(d)["CustomErrorResponses"] = errorResponses(d)[1:] },
		"the API is called without TLS": func(d document) {
			origins(d)["auth"]["CustomOriginConfig"].(tree)["OriginProtocolPolicy"] = "match-viewer"
		},
		"private files are public":         func(d document) { delete(behavior(d, "/private/*"), "LambdaFunctionAssociations") },
		"private files are kept":           func(d document) { behavior(d, "/private/*")["CachePolicyId"] = "658327ea-f89d-4fab-a63d-7e88639e58f6" },
		"public paths reach private files": func(d document) { delete(origins(d)["files"], "OriginPath") },
		"the bucket is public": func(d document) {
			d.properties("Files")["PublicAccessBlockConfiguration"].(tree)["BlockPublicPolicy"] = false
		},
		"another distribution reads": func(d document) {
			delete(at[[]any](d.properties("FilesPolicy"), "PolicyDocument", "Statement")[0].(tree), "Condition")
		},
		"inline scripts run": func(d document) {
			at[tree](d.properties("PageHeaders"), "ResponseHeadersPolicyConfig", "SecurityHeadersConfig", "ContentSecurityPolicy")["ContentSecurityPolicy"] = "default-src 'self' 'unsafe-inline'"
		},
		"the page has no headers": func(d document) { delete(at[tree](distribution(d), "DefaultCacheBehavior"), "ResponseHeadersPolicyId") },
	} {
		broken := d.clone(t)
		break_(broken)
		if len(cdn(broken)) == 0 {
			t.Errorf("nothing is found where %s", what)
		}
	}
}

func distribution(d document) tree {
	return at[tree](d.properties("Distribution"), "DistributionConfig")
}

func errorResponses(d document) []any { return at[[]any](distribution(d), "CustomErrorResponses") }

// behaviors returns the cache behaviors by their path patterns.
func behaviors(d document) map[string]tree {
	found := map[string]tree{}
	for _, b := range at[[]any](distribution(d), "CacheBehaviors") {
		found[at[string](b, "PathPattern")], _ = b.(tree)
	}
	return found
}

func origins(d document) map[string]tree {
	found := map[string]tree{}
	for _, o := range at[[]any](distribution(d), "Origins") {
		found[at[string](o, "Id")], _ = o.(tree)
	}
	return found
}

func cdn(d document) (problems []string) {
	must := func(ok bool, problem string) {
		if !ok {
			problems = append(problems, problem)
		}
	}
	all := behaviors(d)
	for pattern, origin := range map[string]string{"/auth/*": "auth", "/.well-known/*": "auth", "/api/*": "app", "/private/*": "private"} {
		b := all[pattern]
		must(b["TargetOriginId"] == origin, pattern+" does not go to the origin "+origin)
		must(b["CachePolicyId"] == cachingDisabled, pattern+" is cached")
		must(b["ViewerProtocolPolicy"] == "https-only", pattern+" answers a request in clear text")
		if origin == "private" {
			continue
		}
		must(b["OriginRequestPolicyId"] == allViewerExceptHostHeader, pattern+" loses cookies, Authorization, Origin or Sec-Fetch-Site")
		must(b["FunctionAssociations"] == nil && b["LambdaFunctionAssociations"] == nil, pattern+" is changed on its way")
		custom := at[tree](origins(d)[origin], "CustomOriginConfig")
		must(custom["OriginProtocolPolicy"] == "https-only" && slices.Equal(list(custom["OriginSSLProtocols"]), []string{"TLSv1.2"}), pattern+" goes on without TLS")
		if pattern != "/.well-known/*" {
			must(len(list(b["AllowedMethods"])) == 7, pattern+" cannot be written to")
		}
	}
	must(len(all) == 4, fmt.Sprintf("the behaviors are for %v", slices.Sorted(maps.Keys(all))))

	// The viewer-request function is the check of the access token or the function that answers
	// 404.
	check := at[[]any](all["/private/*"], "LambdaFunctionAssociations", "Fn::If")
	closed := at[[]any](all["/private/*"], "FunctionAssociations", "Fn::If")
	must(len(check) == 3 && check[0] == "HasEdgeCheck" && len(closed) == 3 && closed[0] == "HasEdgeCheck" && ref(closed[1]) == "AWS::NoValue", "/private/* is open")
	if len(closed) == 3 {
		functions, _ := closed[2].([]any)
		must(len(functions) == 1 && attributeOf(at[any](functions[0], "FunctionARN")) == "Closed", "/private/* is open without the check")
	}

	// The page.
	page := at[tree](distribution(d), "DefaultCacheBehavior")
	must(page["TargetOriginId"] == "files" && origins(d)["files"]["OriginPath"] == "/public", "the page's paths reach the private files")
	must(ref(page["ResponseHeadersPolicyId"]) == "PageHeaders", "the page has no security headers")
	policy := at[string](d.properties("PageHeaders"), "ResponseHeadersPolicyConfig", "SecurityHeadersConfig", "ContentSecurityPolicy", "ContentSecurityPolicy")
	must(strings.Contains(policy, "default-src 'self';") && !strings.Contains(policy, "unsafe"), "the page runs scripts of others")

	// CloudFront caches these answers by default.
	kept := []float64{400, 403, 404, 405, 414, 500, 501, 502, 503, 504}
	for _, e := range errorResponses(d) {
		must(at[any](e, "ResponsePagePath") == nil && at[any](e, "ResponseCode") == nil, "the page replaces an answer of the API")
		if ttl, ok := at[any](e, "ErrorCachingMinTTL").(float64); ok && ttl == 0 {
			kept = slices.DeleteFunc(kept, func(code float64) bool { return code == at[float64](e, "ErrorCode") })
		}
	}
	must(len(kept) == 0, fmt.Sprintf("the answers %v are kept", kept))

	// The bucket.
	for _, name := range []string{"BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets"} {
		must(at[bool](d.properties("Files"), "PublicAccessBlockConfiguration", name), "the bucket lacks "+name)
	}
	for _, s := range at[[]any](d.properties("FilesPolicy"), "PolicyDocument", "Statement") {
		source := at[string](s, "Condition", "StringEquals", "AWS:SourceArn", "Fn::Sub")
		must(at[string](s, "Effect") == "Deny" || strings.HasSuffix(source, ":distribution/${Distribution}") && at[string](s, "Action") == "s3:GetObject",
			"the bucket is readable by more than the distribution")
	}
	return problems
}
