// Command refresh is the Lambda function that answers POST /auth/refresh.
package main

import (
	"log"

	"github.com/edgeauth/edgeauth/pkg/auth/gateway"
	"github.com/edgeauth/edgeauth/pkg/auth/service"
)

func main() {
	s, err := service.ForRefresh()
	if err != nil {
		log.Fatal(err)
	}
	h, err := s.Handler("refresh")
	if err != nil {
		log.Fatal(err)
	}
	gateway.Serve(h)
}
