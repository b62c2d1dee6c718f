package password_test

import (
	"fmt"

	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/password"
)

func ExampleHasher() {
	var hasher password.Hasher
	stored, err := hasher.Hash(auth.NewSecret("correct horse battery staple"))
	if err != nil {
		fmt.Println(err)
		return
	}
	right, _ := hasher.Verify(stored, auth.NewSecret("correct horse battery staple"))
	wrong, _ := hasher.Verify(stored, auth.NewSecret("Tr0ub4dor&3"))
	fmt.Println(right.Match, wrong.Match, right.Outdated)
	fmt.Println(stored)
	// Output:
	// true false false
	// [redacted]
}

func ExampleCheckNew() {
	fmt.Println(password.CheckNew(auth.NewSecret("hunter2")))
	fmt.Println(password.CheckNew(auth.NewSecret("hunter2 hunter2")))
	// Output:
	// the password is too short (want at least 8 characters)
	// <nil>
}
