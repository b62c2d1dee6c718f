// Command account is the Lambda function that answers POST /auth/password.
package main

import (
	"log"

	"github.com/edgeauth/edgeauth/pkg/auth/gateway"
	"github.com/edgeauth/edgeauth/pkg/auth/service"
)

func main() {
	s, err := service.ForAccount()
	if err != nil {
		log.Fatal(err)
	}
	h, err := s.Handler("account")
	if err != nil {
		log.Fatal(err)
	}
	gateway.Serve(h)
}
