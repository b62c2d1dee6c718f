package dynamo

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// CreateTables creates missing tables on a local engine. On AWS the template creates the tables.
// CreateTables leaves TTL off: an engine that deletes by the real clock would delete items of tests
// that use a fake clock.
func (d *DB) CreateTables(ctx context.Context) error {
	for _, table := range []struct {
		name string
		keys []string
	}{
		{d.tables.Users, []string{attrSubject}},
		{d.tables.Sessions, []string{attrSubject, attrID}},
		{d.tables.Attempts, []string{attrSubject}},
	} {
		if err := d.createTable(ctx, table.name, table.keys); err != nil {
			return fmt.Errorf("creating the table %s: %w", table.name, err)
		}
	}
	return nil
}

func (d *DB) createTable(ctx context.Context, name string, keys []string) error {
	in := &dynamodb.CreateTableInput{TableName: &name, BillingMode: types.BillingModePayPerRequest}
	for i, key := range keys {
		in.AttributeDefinitions = append(in.AttributeDefinitions,
			types.AttributeDefinition{AttributeName: aws.String(key), AttributeType: types.ScalarAttributeTypeS})
		in.KeySchema = append(in.KeySchema,
			types.KeySchemaElement{AttributeName: aws.String(key), KeyType: []types.KeyType{types.KeyTypeHash, types.KeyTypeRange}[i]})
	}
	_, err := d.client.CreateTable(ctx, in)
	var exists *types.ResourceInUseException
	if err != nil && !errors.As(err, &exists) {
		return failed("creating", err)
	}
	waiter := dynamodb.NewTableExistsWaiter(d.client, func(o *dynamodb.TableExistsWaiterOptions) {
		o.MinDelay, o.MaxDelay = 50*time.Millisecond, time.Second
	})
	return waiter.Wait(ctx, &dynamodb.DescribeTableInput{TableName: &name}, time.Minute)
}
