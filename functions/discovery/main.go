// Command discovery is the Lambda function that answers GET /.well-known/jwks.json and the metadata beside it.
package main

import (
	"log"

	"github.com/edgeauth/edgeauth/pkg/auth/gateway"
	"github.com/edgeauth/edgeauth/pkg/auth/service"
)

func main() {
	discovery, err := service.ForDiscovery()
	if err != nil {
		log.Fatal(err)
	}
	gateway.Serve(discovery)
}
