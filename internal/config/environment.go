package config

import (
	"errors"
	"os"
)

// Environment reads environment variables. A method returns the value of a variable. If the value
// is missing or invalid, it records the error and returns the zero value; Err returns all errors.
// An Environment is for one start and is not safe for concurrent use.
type Environment struct {
	lookup  func(name string) (string, bool)
	errs    []error
	account *AWS // once read
}

// Process returns the environment of this process.
func Process() *Environment { return New(os.LookupEnv) }

// New returns an Environment of the variables that lookup returns, a function like os.LookupEnv.
func New(lookup func(name string) (string, bool)) *Environment {
	return &Environment{lookup: lookup}
}

// Err returns every *VariableError of the reads so far, joined, or nil.
func (e *Environment) Err() error { return errors.Join(e.errs...) }

// VariableError is an error about one variable. It contains no part of the value except unknown
// names in EDGEAUTH_CONFIG, because some values are secrets. An operator can look up the other
// values.
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

// optional returns the value of a variable. An empty value counts as not set, because an empty
// parameter of the template arrives as an empty value.
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
