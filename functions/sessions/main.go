// Command sessions is the Lambda function that answers POST /auth/logout.
package main

import (
	"log"

	"github.com/edgeauth/edgeauth/pkg/auth/endpoint"
	"github.com/edgeauth/edgeauth/pkg/auth/gateway"
	"github.com/edgeauth/edgeauth/pkg/auth/service"
)

func main() {
	sessions, audit, err := service.ForSessions()
	if err != nil {
		log.Fatal(err)
	}
	h, err := endpoint.Sessions(sessions, audit)
	if err != nil {
		log.Fatal(err)
	}
	gateway.Serve(h)
}
