package deploy_test

import (
	"strings"
)

// command runs the command edgeauth with a store, and returns what it prints.
func (s *stack) command(input, args string) (output string, err error) {
	return s.run(s.t.Context(), input, s.edgeauth, append(strings.Fields(args), "--store", "stack:"+s.name)...)
}

// mustCommand ends the test if the command fails.
func (s *stack) mustCommand(input, args string) string {
	s.t.Helper()
	output, err := s.command(input, args)
	if err != nil {
		s.t.Fatal(err)
	}
	return output
}
