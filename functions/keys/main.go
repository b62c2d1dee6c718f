// Command keys is the Lambda function behind the custom resource that creates and moves the three
// key rings of a stack. CloudFormation calls it at each deployment that changes a property of the
// resource.
package main

import (
	"log"

	"github.com/aws/aws-lambda-go/lambda"

	"github.com/edgeauth/edgeauth/internal/awsclient"
	"github.com/edgeauth/edgeauth/internal/config"
)

func main() {
	e := config.Process()
	at, stack, emulator := e.SecretsManager(), e.StackID(), e.Emulator()
	if err := e.Err(); err != nil {
		log.Fatal(err)
	}
	lambda.Start(newHandler(stack, emulator, awsclient.Of(at.AWS, at.Endpoint)))
}
