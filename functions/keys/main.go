// Command keys is the Lambda function behind the two custom resources of a stack. Keys creates and
// moves the three key rings. Protection protects the tables against deletion when the stack is whole.
// CloudFormation calls the function at each deployment that changes a property of a resource.
package main

import (
	"log"

	"github.com/aws/aws-lambda-go/lambda"

	"github.com/edgeauth/edgeauth/internal/awsclient"
	"github.com/edgeauth/edgeauth/internal/config"
)

func main() {
	e := config.Process()
	secrets, tables, stack, emulator := e.SecretsManager(), e.AnyTables(), e.StackID(), e.Emulator()
	if err := e.Err(); err != nil {
		log.Fatal(err)
	}
	lambda.Start(newHandler(stack, emulator, awsclient.Of(secrets.AWS, secrets.Endpoint), awsclient.Of(tables.AWS, tables.Endpoint)))
}
