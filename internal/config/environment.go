package config

import (
	"errors"
	"os"
)

// Environment reads variables. Its methods return a variable's value, or remember what is wrong with it and
// return the zero value; Err reports everything remembered. Each start makes its own Environment: it is not safe for
// concurrent use.
type Environment struct {
	lookup  func(name string) (string, bool)
	errs    []error
	account *AWS // once read
}

// Process returns the environment of this process.
func Process() *Environment { return New(os.LookupEnv) }

// New returns an environment whose variables come from lookup, which has the form of os.LookupEnv.
func New(lookup func(name string) (string, bool)) *Environment {
	return &Environment{lookup: lookup}
}

// Err returns every *VariableError of the reads so far, joined, or nil.
func (e *Environment) Err() error { return errors.Join(e.errs...) }

// VariableError says what is wrong with one variable. It shows nothing of the value but the unknown names in
// EDGEAUTH_CONFIG: some values are secrets, and an operator can look at the others.
type VariableError struct {
	Name    string
	Problem string // as in "is not set"
	Want    string // what the variable should hold
	Cause   error  // a *PathError or an error of package strictjson, if the problem is inside the value
}

// Unwrap returns Cause.
func (e *VariableError) Unwrap() error { return e.Cause }

func (e *VariableError) Error() string {
	return e.Name + " " + e.Problem + ": it should hold " + e.Want
}

const notSet = "is not set"

func (e *Environment) refuse(name, problem, want string) {
	e.errs = append(e.errs, &VariableError{Name: name, Problem: problem, Want: want})
}

// optional returns a variable's value. An empty one counts as not set: a template's empty parameter arrives so.
func (e *Environment) optional(name string) (string, bool) {
	text, _ := e.lookup(name)
	return text, text != ""
}

func (e *Environment) required(name, want string) (string, bool) {
	text, ok := e.optional(name)
	if !ok {
		e.refuse(name, notSet, want)
	}
	return text, ok
}
