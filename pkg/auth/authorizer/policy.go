package authorizer

// unknownPrincipal is the principalId of a refusal; the gateway wants one that is not empty.
const unknownPrincipal = "unauthenticated"

// answerBytes is room for most answers.
const answerBytes = 512

// policyAnswer encodes d as a policy for the whole stage. The gateway caches a policy by token, not by method: one for
// the method asked for would refuse the same client's next call to another. So a good token gets the same policy
// whether it may make this request or not, and the gateway reads the decision from it. Only rules with a {param} make
// policies for one request.
func policyAnswer(a *Authorizer, r Request, d Decision) ([]byte, error) {
	if r.stage == "" {
		return nil, fault(ReasonMalformedARN) // it is none of an API's method or route
	}
	p := policy{to: make([]byte, 0, answerBytes), stage: r.stage}
	verified := d.Outcome == Allow || d.Outcome == Forbidden
	p.text(`{"principalId":`)
	if verified {
		p.to = appendString(p.to, string(d.Claims.Subject))
	} else {
		p.text(`"` + unknownPrincipal + `"`)
	}
	p.text(`,"policyDocument":{"Version":"2012-10-17","Statement":[`) // the version of the language
	switch {
	case !verified, d.Outcome == Forbidden && (a.rules.each || isCut(r.resource)):
		p.statement("Deny", "*")
	case len(a.rules.list) == 0:
		p.statement("Allow", "*")
	case a.rules.each:
		p.statement("Allow", r.resource)
	default:
		p.rules(&a.rules, d)
	}
	p.text(`]}`)
	if !verified {
		return append(p.to, '}'), nil
	}
	p.text(`,"context":`)
	to, err := appendContext(p.to, &d.Claims, a.config.ContextClaims)
	return append(to, '}'), err
}

// policy writes the statements of one policy.
type policy struct {
	to    []byte
	stage string // begins every resource
}

func (p *policy) text(s string) { p.to = append(p.to, s...) }

// rules writes what rules.judge decides, for every route at once. A statement must have a resource.
func (p *policy) rules(rs *rules, d Decision) {
	allow, deny := rs.patterns(&d.Claims, d.at)
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

// resource names everything of the stage that a pattern matches. There is room for it: the lengths of stages and
// patterns are bounded where they are read.
func (p *policy) resource(pattern string) {
	p.text(`"`)
	p.text(p.stage) // names, which need no escapes
	p.to = appendEscaped(p.to, pattern)
	p.text(`"`)
}
