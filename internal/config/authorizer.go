package config

// HTTPResponse returns ResponseSimple, unless the variable says ResponseIAM.
func (e *Environment) HTTPResponse() string {
	return e.either(HTTPResponse, "is not a response format", ResponseSimple, ResponseIAM)
}

// Deny returns DenyUnauthorized, unless the variable says DenyPolicy.
func (e *Environment) Deny() string {
	return e.either(Deny, "is not a way to refuse", DenyUnauthorized, DenyPolicy)
}

// SessionCheck returns CheckSession, unless the variable says CheckRevocations.
func (e *Environment) SessionCheck() string {
	return e.either(SessionCheck, "is not a check of sessions", CheckSession, CheckRevocations)
}

// either returns the value of a variable that must be one of two words. The first word is the
// default.
func (e *Environment) either(name, problem, first, second string) string {
	text, ok := e.optional(name)
	switch {
	case !ok:
		return first
	case text == first || text == second:
		return text
	}
	e.refuse(name, problem, first+" or "+second)
	return ""
}
