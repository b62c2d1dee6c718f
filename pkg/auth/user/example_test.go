package user_test

import (
	"fmt"

	"github.com/edgeauth/edgeauth/pkg/auth/user"
)

func ExampleNormalizeEmail() {
	for _, text := range []string{" Ada@Example.com", "ZOE\u0308@example.com", "ada@dömäin.example", "ada@xn--dmin-moa0i.example", "ada at example.com"} {
		key, err := user.NormalizeEmail(text)
		fmt.Printf("%q %v\n", key, err)
	}
	// Output:
	// "ada@example.com" <nil>
	// "zoë@example.com" <nil>
	// "ada@xn--dmin-moa0i.example" <nil>
	// "ada@xn--dmin-moa0i.example" <nil>
	// "" not a usable e-mail address: it must have a local part and a domain around an @
}
