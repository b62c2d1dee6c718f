package bench

import (
	"context"
	"crypto/rand"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/dynamo"
	"github.com/edgeauth/edgeauth/test/engine"
)

// dynamoDBLocal creates tables in DynamoDB Local. It returns edgeauth's client and a bare client
// for them.
func dynamoDBLocal(b *testing.B) (*dynamo.DB, *dynamodb.Client, dynamo.Tables) {
	b.Helper()
	e, name := engine.DynamoDBLocal(b), "bench-"+rand.Text()
	tables := dynamo.Tables{Users: name + "-users", Sessions: name + "-sessions", Attempts: name + "-attempts"}
	db := dynamo.New(dynamo.Config{
		Region: engine.Region, Endpoint: e.Endpoint, Tables: tables,
		Credentials: dynamo.Credentials{
			AccessKeyID: engine.AccessKeyID, SecretAccessKey: auth.NewSecret(engine.SecretAccessKey),
		},
	})
	if err := db.CreateTables(b.Context()); err != nil {
		b.Fatal(err)
	}
	client := dynamodb.New(dynamodb.Options{
		Region: engine.Region, BaseEndpoint: &e.Endpoint,
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: engine.AccessKeyID, SecretAccessKey: engine.SecretAccessKey}, nil
		}),
	})
	return db, client, tables
}
