// Command session-authorizer is the Lambda function that API Gateway calls to decide whether a
// request may pass, on routes on which a token must stop working when its session ends.
package main

import (
	"log"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/edgeauth/edgeauth/pkg/auth/service"
)

func main() {
	a, err := service.SessionAuthorizer(service.Options{})
	if err != nil {
		log.Fatal(err)
	}
	lambda.Start(a)
}
