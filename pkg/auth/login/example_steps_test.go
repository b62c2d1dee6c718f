package login_test

import (
	"context"
	"fmt"

	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/login"
	"github.com/edgeauth/edgeauth/pkg/auth/user"
)

// A second factor. The client gets the denial as 403, asks its user for the code, and sends the
// login again with the code as the parameter one_time_code.
func ExampleSteps() {
	codes := map[auth.SubjectID]string{"1b671a64": "492039"} // in a program: TOTP
	steps := login.Steps{After: func(_ context.Context, c login.Credentials, r login.Result) ([]string, error) {
		code := c.OneTimeCode
		if !code.Equal(auth.NewSecret(codes[r.User.ID])) {
			return nil, &login.Denial{Code: "second_factor_required", Description: "send one_time_code"}
		}
		return []string{"otp"}, nil // for the amr of the access tokens
	}}

	ada := login.Result{User: user.User{ID: "1b671a64"}}
	fmt.Println(steps.After(context.Background(), login.Credentials{}, ada))
	fmt.Println(steps.After(context.Background(), login.Credentials{OneTimeCode: auth.NewSecret("492039")}, ada))
	// Output:
	// [] login denied: second_factor_required
	// [otp] <nil>
}
