package authorizer

// unknownPrincipal is the principalId of a refusal. The gateway requires a non-empty principalId.
const unknownPrincipal = "unauthenticated"

// answerBytes is the capacity for most answers.
const answerBytes = 512

// maxAnswer is the longest answer that API Gateway reads: "Lambda authorizer result size" in its
// quotas. A policy for a whole stage leaves contextRoom of it for the context, so that the form of
// an API's policies does not depend on the token.
const (
	maxAnswer   = 8 << 10
	contextRoom = 2 << 10
)

// policyAnswer encodes d as a policy for the whole stage. The gateway caches a policy by token, not
// by method: a policy for the requested method alone would refuse the client's next call to another
// method. A valid token therefore gets the same policy whether or not it may make this request, and
// the gateway derives the decision from the policy.
//
// There are three exceptions. A refusal that no policy can express, such as a refusal for a header,
// is a Deny for the stage. A policy covers a single request if the rules cannot be written as a
// policy, if the policy would be too long, or for a WebSocket API, which asks only for $connect. If
// sessions are checked, a forbidden request gets a Deny for the stage: its session was not read, so
// its policy must not allow other routes.
func policyAnswer(a *Authorizer, r request, d decision) ([]byte, error) {
	if r.stage == "" {
		return nil, fault(reasonMalformedARN) // the ARN does not name a method or route
	}
	p := policy{to: make([]byte, 0, answerBytes), stage: r.stage}
	one := a.rules.perRequest(r)
	verified := d.Outcome == outcomeAllow || d.Outcome == outcomeForbidden
	p.text(`{"principalId":`)
	if verified {
		p.to = appendString(p.to, string(d.Claims.Subject))
	} else {
		p.text(`"` + unknownPrincipal + `"`)
	}
	p.text(`,"policyDocument":{"Version":"2012-10-17","Statement":[`) // the version of the policy language
	switch {
	case !verified, d.Outcome == outcomeForbidden && (one || isCut(r.resource) || len(r.methods) > 0 || r.identity || a.config.Sessions != nil):
		p.statement("Deny", "*")
	case len(a.rules.list) == 0:
		p.statement("Allow", "*")
	case one:
		p.statement("Allow", r.resource)
	default:
		p.rules(&a.rules, r.api, d)
	}
	p.text(`]}`)
	if !verified {
		return append(p.to, '}'), nil
	}
	p.text(`,"context":`)
	to, err := appendContext(p.to, &d.Claims, a.config.ContextClaims)
	if err == nil {
		to = appendChallenge(to, d)
	}
	if err == nil && len(to) >= maxAnswer {
		err = fault(reasonAnswerTooLong)
	}
	return append(to, '}'), err
}

// policy builds the statements of one policy.
type policy struct {
	to    []byte
	stage string // the prefix of every resource
}

func (p *policy) text(s string) { p.to = append(p.to, s...) }

// rules writes the decisions of rules.judge for all routes. A statement requires at least one
// resource.
func (p *policy) rules(rs *rules, api string, d decision) {
	allow, deny := rs.patterns(api, &d.Claims, d.at)
	if len(allow) == 0 {
		p.statement("Deny", "*")
		return
	}
	p.statement("Allow", allow...)
	if len(deny) > 0 {
		p.text(`,`)
		p.statement("Deny", deny...)
	}
}

func (p *policy) statement(effect string, resources ...string) {
	p.text(`{"Action":"execute-api:Invoke","Effect":"`)
	p.text(effect)
	p.text(`","Resource":`)
	if len(resources) == 1 {
		p.resource(resources[0])
		p.text(`}`)
		return
	}
	for i, r := range resources {
		separator := `,`
		if i == 0 {
			separator = `[`
		}
		p.text(separator)
		p.resource(r)
	}
	p.text(`]}`)
}

// resource writes the pattern with the prefix of the stage. The result is never too long, because
// the lengths of stages and patterns are bounded when they are parsed.
func (p *policy) resource(pattern string) {
	p.text(`"`)
	p.text(p.stage) // plain names, which need no escapes
	p.to = appendEscaped(p.to, pattern)
	p.text(`"`)
}
