// Command authorizer is the Lambda function that API Gateway calls to decide whether a request may
// pass.
package main

import (
	"log"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/edgeauth/edgeauth/pkg/auth/authorizer"
)

func main() {
	a, err := authorizer.FromEnvironment()
	if err != nil {
		log.Fatal(err)
	}
	lambda.Start(a)
}
