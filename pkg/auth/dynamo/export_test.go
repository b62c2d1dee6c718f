package dynamo

import (
	"errors"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// Unhurried removes the time limits of a DB. On a busy machine a call could reach its limit, and a
// repeated call has a different meaning.
func (db *DB) Unhurried() *DB {
	db.http.Timeout, db.call = time.Minute, 2*time.Minute
	return db
}

// ProtectedTables counts the tables that the engine refuses to delete, without deleting a table. A
// missing table is not protected.
func (db *DB) ProtectedTables(t testing.TB) (count int) {
	t.Helper()
	for _, name := range []string{db.tables.Users, db.tables.Sessions, db.tables.Attempts} {
		out, err := db.client.DescribeTable(t.Context(), &dynamodb.DescribeTableInput{TableName: &name})
		var missing *types.ResourceNotFoundException
		switch {
		case errors.As(err, &missing):
		case err != nil:
			t.Fatal(err)
		case aws.ToBool(out.Table.DeletionProtectionEnabled):
			count++
		}
	}
	return count
}

// DropAttempts deletes the attempts table, protected or not, and returns its name.
func (db *DB) DropAttempts(t testing.TB) (name string) {
	t.Helper()
	name = db.tables.Attempts
	_, err := db.client.UpdateTable(t.Context(), &dynamodb.UpdateTableInput{TableName: &name, DeletionProtectionEnabled: aws.Bool(false)})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.client.DeleteTable(t.Context(), &dynamodb.DeleteTableInput{TableName: &name}); err != nil {
		t.Fatal(err)
	}
	return name
}
