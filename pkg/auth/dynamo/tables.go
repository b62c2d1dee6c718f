package dynamo

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/edgeauth/edgeauth/pkg/auth"
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

// Protect switches on the deletion protection of the tables. It never switches the protection off,
// and it does not write to a protected table. It reads all tables before it changes the first
// table, so a missing table or a missing permission to read changes nothing.
//
// The error wraps [auth.ErrNotFound] if a table does not exist. Any other error wraps
// [auth.ErrUnavailable], because a table that is being changed or a new role may need a moment.
func (db *DB) Protect(ctx context.Context) error {
	var open []string
	for _, name := range []string{db.tables.Users, db.tables.Sessions, db.tables.Attempts} {
		protected, err := db.isProtected(ctx, name)
		if err != nil {
			return fmt.Errorf("the table %s: %w", name, err)
		}
		if !protected {
			open = append(open, name)
		}
	}
	for _, name := range open {
		if err := db.protect(ctx, name); err != nil {
			return fmt.Errorf("the table %s: %w", name, err)
		}
	}
	return nil
}

func (db *DB) isProtected(ctx context.Context, name string) (bool, error) {
	ctx, cancel := db.bounded(ctx)
	defer cancel()
	out, err := db.client.DescribeTable(ctx, &dynamodb.DescribeTableInput{TableName: &name})
	if err != nil {
		return false, tableFailed("reading its protection", err)
	}
	return aws.ToBool(out.Table.DeletionProtectionEnabled), nil
}

func (db *DB) protect(ctx context.Context, name string) error {
	ctx, cancel := db.bounded(ctx)
	defer cancel()
	_, err := db.client.UpdateTable(ctx, &dynamodb.UpdateTableInput{TableName: &name, DeletionProtectionEnabled: aws.Bool(true)})
	return tableFailed("protecting it against deletion", err)
}

// tableFailed is failed for calls about a table, which may be missing.
func tableFailed(doing string, err error) error {
	var missing *types.ResourceNotFoundException
	switch {
	case err == nil:
		return nil
	case errors.As(err, &missing):
		return fmt.Errorf("%s: %w: it does not exist in this account and Region", doing, auth.ErrNotFound)
	}
	return failed(doing, err)
}

// TableState is the configuration of a table.
type TableState struct {
	Name   string
	Exists bool
	Keys   bool // the keys are those that the stores use
	// Expires says that DynamoDB deletes items by the attribute expires_at. The users table does
	// not expire.
	Expires   bool
	Recovers  bool // point-in-time recovery is on
	Protected bool // deletion protection is on
}

// Inspect reads the configuration of the tables of users, sessions and attempts, in this order. It
// changes nothing. For a missing table, only Name and Exists are set. The error wraps
// [auth.ErrUnavailable] if a table could not be read.
func (db *DB) Inspect(ctx context.Context) ([]TableState, error) {
	var all []TableState
	for _, table := range []struct {
		name, keys string
	}{
		{db.tables.Users, attrSubject}, {db.tables.Sessions, attrSubject + " " + attrID}, {db.tables.Attempts, attrSubject},
	} {
		state, err := db.inspect(ctx, table.name, table.keys)
		if err != nil {
			return nil, fmt.Errorf("the table %s: %w", table.name, err)
		}
		all = append(all, state)
	}
	return all, nil
}

func (db *DB) inspect(ctx context.Context, name, keys string) (TableState, error) {
	ctx, cancel := db.bounded(ctx)
	defer cancel()
	state := TableState{Name: name}
	out, err := db.client.DescribeTable(ctx, &dynamodb.DescribeTableInput{TableName: &name})
	var missing *types.ResourceNotFoundException
	switch {
	case errors.As(err, &missing):
		return state, nil
	case err != nil:
		return state, failed("reading it", err)
	}
	var found []string
	for _, key := range out.Table.KeySchema {
		found = append(found, aws.ToString(key.AttributeName))
	}
	for _, a := range out.Table.AttributeDefinitions {
		if slices.Contains(found, aws.ToString(a.AttributeName)) && a.AttributeType != types.ScalarAttributeTypeS {
			found = nil
		}
	}
	state.Exists, state.Keys, state.Protected = true, strings.Join(found, " ") == keys, aws.ToBool(out.Table.DeletionProtectionEnabled)
	ttl, err := db.client.DescribeTimeToLive(ctx, &dynamodb.DescribeTimeToLiveInput{TableName: &name})
	if err != nil {
		return state, failed("reading its expiry", err)
	}
	if t := ttl.TimeToLiveDescription; t != nil {
		on := t.TimeToLiveStatus == types.TimeToLiveStatusEnabled || t.TimeToLiveStatus == types.TimeToLiveStatusEnabling
		state.Expires = on && aws.ToString(t.AttributeName) == attrExpires
	}
	backups, err := db.client.DescribeContinuousBackups(ctx, &dynamodb.DescribeContinuousBackupsInput{TableName: &name})
	if err != nil {
		return state, failed("reading its backups", err)
	}
	if b := backups.ContinuousBackupsDescription; b != nil && b.PointInTimeRecoveryDescription != nil {
		state.Recovers = b.PointInTimeRecoveryDescription.PointInTimeRecoveryStatus == types.PointInTimeRecoveryStatusEnabled
	}
	return state, nil
}
