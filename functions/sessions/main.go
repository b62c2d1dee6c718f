// Command sessions is the Lambda function that answers POST /auth/logout and the routes under
// /auth/sessions.
package main

import (
	"log"

	"github.com/edgeauth/edgeauth/pkg/auth/gateway"
	"github.com/edgeauth/edgeauth/pkg/auth/service"
)

func main() {
	h, err := service.Sessions(service.Options{})
	if err != nil {
		log.Fatal(err)
	}
	gateway.Serve(h)
}
