// Command keys is the Lambda function behind the two custom resources of a stack. Keys creates and
// moves the three key rings. Protection protects the tables against deletion when all other
// resources of the stack exist. CloudFormation calls the function at each deployment that changes a
// property of a resource.
package main

import (
	"log"
	"slices"
	"strings"

	"github.com/aws/aws-lambda-go/lambda"

	"github.com/edgeauth/edgeauth/internal/awsclient"
	"github.com/edgeauth/edgeauth/internal/config"
)

// builtFor is the architecture that the functions of this build are for, in the words of Lambda: arm64 or
// x86_64. The linker sets it. This function itself runs on x86_64 in every build, so that it can refuse
// a deployment for the other architecture.
var builtFor string

func main() {
	if !slices.Contains(architectures, builtFor) {
		log.Fatalf("main.builtFor is %q (want %s): build the functions with make", builtFor, strings.Join(architectures, " or "))
	}
	e := config.Process()
	secrets, tables, stack, emulator := e.SecretsManager(), e.AnyTables(), e.StackID(), e.Emulator()
	if err := e.Err(); err != nil {
		log.Fatal(err)
	}
	lambda.Start(newHandler(stack, emulator, builtFor, awsclient.Of(secrets.AWS, secrets.Endpoint), awsclient.Of(tables.AWS, tables.Endpoint)))
}
