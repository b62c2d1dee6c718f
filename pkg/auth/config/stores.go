package config

import (
	"strings"

	"github.com/edgeauth/edgeauth/pkg/auth"
)

// Stores says where users, sessions and attempts are kept: in one file, or in three tables.
type Stores struct {
	BoltPath string // the file; empty means the tables
	DynamoDB DynamoDB
}

// DynamoDB is the tables' names, and how to reach them.
type DynamoDB struct {
	Users, Sessions, Attempts string

	Endpoint      string // of a local engine; empty means AWS's own
	Region        string
	AccessKeyID   string
	SecretAccess  auth.Secret
	SessionSecret auth.Secret // of temporary credentials; empty for others
}

// Store returns where state is kept.
func (e *Environment) Store() Stores {
	const want = "dynamodb or bolt:<path>"
	text, ok := e.required(Store, want)
	if !ok {
		return Stores{}
	}
	if path, isBolt := strings.CutPrefix(text, "bolt:"); isBolt {
		if path == "" {
			e.refuse(Store, "names no file", want)
		}
		return Stores{BoltPath: path}
	}
	if text != "dynamodb" {
		e.refuse(Store, "names no store", want)
		return Stores{}
	}
	return Stores{DynamoDB: e.dynamoDB()}
}

func (e *Environment) dynamoDB() DynamoDB {
	var d DynamoDB
	d.Users, _ = e.required(UsersTable, "the name of the table of users")
	d.Sessions, _ = e.required(SessionsTable, "the name of the table of sessions")
	d.Attempts, _ = e.required(AttemptsTable, "the name of the table of failed logins")
	d.Endpoint, _ = e.optional(DynamoDBEndpoint)
	d.Region, _ = e.required(Region, "the AWS Region of the tables, as in eu-central-1")
	d.AccessKeyID, _ = e.required(AccessKeyID, "an AWS access key id; any text does for a local engine")
	secret, _ := e.required(SecretAccessKey, "the access key's secret; any text does for a local engine")
	session, _ := e.optional(SessionToken)
	d.SecretAccess, d.SessionSecret = auth.NewSecret(secret), auth.NewSecret(session)
	return d
}
