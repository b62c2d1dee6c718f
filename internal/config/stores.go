package config

import "strings"

// Stores says where users, sessions and attempts are kept: in one file, or in three tables.
type Stores struct {
	BoltPath string // the file; empty means the tables
	DynamoDB DynamoDB
}

// DynamoDB is the tables' names, and how to reach them.
type DynamoDB struct {
	Users, Sessions, Attempts string
	Endpoint                  string // of a local engine; empty means AWS's own
	AWS
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
	d.AWS = e.aws()
	return d
}
