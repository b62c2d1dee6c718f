// Command keys is the Lambda function behind the custom resource that makes the rings of keys and moves them.
package main

import (
	"log"
	"os"

	"github.com/aws/aws-lambda-go/lambda"
)

func main() {
	c, err := environment(os.LookupEnv)
	if err != nil {
		log.Fatal(err)
	}
	lambda.Start(newHandler(c))
}
