package config

// HTTPResponse returns ResponseSimple, unless the variable says ResponseIAM.
func (e *Environment) HTTPResponse() string {
	return e.either(HTTPResponse, "names no form of answer", ResponseSimple, ResponseIAM)
}

// Deny returns DenyUnauthorized, unless the variable says DenyPolicy.
func (e *Environment) Deny() string {
	return e.either(Deny, "names no way to refuse", DenyUnauthorized, DenyPolicy)
}

// either returns the value of a variable that holds one of two words, of which the first is the default.
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
