// Package deployment checks the values that a deployment gives to the functions. Lambda accepts
// every environment that is small enough, so a wrong value would deploy, and every function would
// then fail at its start.
//
//	values := map[string]string{"EDGEAUTH_ISSUER": "https://auth.example.com", ...}
//	for _, p := range deployment.Check(values) {
//		fmt.Println(p)
//	}
package deployment

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/edgeauth/edgeauth/internal/config"
	"github.com/edgeauth/edgeauth/internal/strictjson"
	"github.com/edgeauth/edgeauth/pkg/auth/authorizer"
	"github.com/edgeauth/edgeauth/pkg/auth/service"
)

// Problem is a value with which a function does not start.
type Problem struct {
	Variable string // empty if several variables are wrong together
	Path     string // inside EDGEAUTH_CONFIG; empty for the whole value
	Value    string // the value at Path, shortened; empty if the variable is not set or is not shown
	Line     int    // of Value in EDGEAUTH_CONFIG, from 1; 0 if it is unknown
	Problem  string // what is wrong, and what is accepted
}

// String returns the problem on one line, without Line.
func (p Problem) String() string {
	text := p.Variable
	if p.Path != "" {
		text += ": " + p.Path
	}
	switch {
	case p.Value != "" && p.Path == "":
		text += " " + p.Value + " "
	case p.Value != "":
		text += ": " + p.Value + ": "
	case p.Path != "":
		text += ": "
	case text != "":
		text += " "
	}
	return text + strings.ReplaceAll(p.Problem, "\n", "; ")
}

// Check returns the problems that would stop the start of a function with these values of
// variables, in the order in which the functions read them. It runs the functions' own readers. It
// does not check the names of keys and stores.
func Check(values map[string]string) []Problem {
	lookup := func(name string) (string, bool) { text, ok := values[name]; return text, ok }
	_, err := authorizer.FromVariables(lookup, nil, nil)
	var problems []Problem
	seen := map[string]bool{}
	e := config.New(lookup)
	e.SessionCheck()
	for _, err := range slices.Concat(each(err), each(e.Err()), each(service.Check(lookup))) {
		if p := describe(err, values); !seen[p.String()] {
			seen[p.String()] = true
			problems = append(problems, p)
		}
	}
	return problems
}

// each returns the errors that err joins, including nested joined errors.
func each(err error) (all []error) {
	if joined, ok := err.(interface{ Unwrap() []error }); ok && !errors.Is(err, authorizer.ErrConfig) {
		for _, one := range joined.Unwrap() {
			all = append(all, each(one)...)
		}
		return all
	}
	if err == nil {
		return nil
	}
	return []error{err}
}

// describe finds the value that err is about.
func describe(err error, values map[string]string) Problem {
	document := []byte(values[config.Config])
	if path, inFile := strings.CutPrefix(values[config.Config], "file:"); inFile {
		document, _ = os.ReadFile(path) // if it cannot be read, err says so
	}
	if at, found := config.Locate(document, err); found {
		return Problem{Variable: config.Config, Path: at.Path, Value: short(at.Value), Line: at.Line, Problem: at.Err.Error()}
	}
	var wrong *config.VariableError
	if !errors.As(err, &wrong) {
		return Problem{Problem: err.Error()}
	}
	p := Problem{Variable: wrong.Name, Problem: wrong.Problem + ": it should hold " + wrong.Want}
	if offset, ok := strictjson.Offset(err); ok && wrong.Name == config.Config {
		p.Line = config.LineOf(document, offset)
	} else if shown[wrong.Name] && values[wrong.Name] != "" {
		value := values[wrong.Name]
		if wrong.Name == config.MailSender {
			value = config.ShownSender(value)
		}
		if value != "" {
			p.Value = short(fmt.Sprintf("%q", value))
		}
	}
	return p
}

// shown are the variables whose values are neither secret nor long.
var shown = map[string]bool{
	config.Issuer: true, config.Audience: true, config.KeyVersion: true, config.Profile: true, config.AccessTokenLifetime: true,
	config.IdleTimeout: true, config.AbsoluteTimeout: true, config.RestoredUntil: true, config.SessionsNotBefore: true, config.Deny: true, config.SessionCheck: true,
	config.HTTPResponse: true, config.Metrics: true, config.MailSender: true, config.MailFrom: true,
}

// short returns a value on one line of bounded length.
func short(value string) string {
	const most = 80
	value = strings.Join(strings.Fields(value), " ")
	if runes := []rune(value); len(runes) > most {
		value = string(runes[:most]) + "..."
	}
	return value
}
