// Command mailer is the Lambda function that sends mails. Other functions call it asynchronously.
package main

import (
	"log"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/edgeauth/edgeauth/pkg/auth/service"
)

func main() {
	m, err := service.Mailer(service.Options{})
	if err != nil {
		log.Fatal(err)
	}
	lambda.Start(m)
}
