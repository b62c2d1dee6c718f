// Command account is the Lambda function that creates and changes accounts: it answers POST
// /auth/password, /auth/reauth, /auth/code and /auth/code/verify.
package main

import (
	"log"

	"github.com/edgeauth/edgeauth/pkg/auth/gateway"
	"github.com/edgeauth/edgeauth/pkg/auth/service"
)

func main() {
	h, err := service.Account(service.Options{})
	if err != nil {
		log.Fatal(err)
	}
	gateway.Serve(h)
}
