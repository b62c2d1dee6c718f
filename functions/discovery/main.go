// Command discovery is the Lambda function that answers GET /.well-known/jwks.json and the metadata
// documents.
package main

import (
	"log"

	"github.com/edgeauth/edgeauth/pkg/auth/endpoint/discovery"
	"github.com/edgeauth/edgeauth/pkg/auth/gateway"
)

func main() {
	h, err := discovery.FromEnvironment()
	if err != nil {
		log.Fatal(err)
	}
	gateway.Serve(h)
}
