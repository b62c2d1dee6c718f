// Command login is the Lambda function that answers POST /auth/login.
package main

import (
	"log"

	"github.com/edgeauth/edgeauth/pkg/auth/gateway"
	"github.com/edgeauth/edgeauth/pkg/auth/service"
)

func main() {
	s, err := service.ForLogin()
	if err != nil {
		log.Fatal(err)
	}
	h, err := s.Handler("login")
	if err != nil {
		log.Fatal(err)
	}
	gateway.Serve(h)
}
