package service_test

import (
	"context"
	"log"

	"github.com/edgeauth/edgeauth/pkg/auth/gateway"
	"github.com/edgeauth/edgeauth/pkg/auth/login"
	"github.com/edgeauth/edgeauth/pkg/auth/service"
)

// The real login function with a second factor: your own main.go instead of
// functions/login.
func ExampleLogin() {
	h, err := service.Login(service.Options{Steps: login.Steps{After: secondFactor}})
	if err != nil {
		log.Fatal(err)
	}
	gateway.Serve(h)
}

// secondFactor is asked after the password was proven. The client gets a denial as 403, asks its
// user for the code, and sends the login again with the code as one_time_code.
func secondFactor(_ context.Context, c login.Credentials, r login.Result) (methods []string, err error) {
	if !codeIsRight(string(r.User.ID), c.OneTimeCode.Reveal()) {
		return nil, &login.Denial{Code: "second_factor_required", Description: "send one_time_code"}
	}
	return []string{"otp"}, nil // for the amr of the access tokens (RFC 8176)
}

func codeIsRight(subject, code string) bool { return subject != "" && code == "123456" }
