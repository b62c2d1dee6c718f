package config

import "strings"

// Stores describes where users, sessions and attempts are stored: in one file or in three tables.
type Stores struct {
	BoltPath string // the file; empty means the tables
	DynamoDB DynamoDB
}

// DynamoDB holds the names of the tables and how to reach them. The name of a table that is not needed
// is empty.
type DynamoDB struct {
	Users, Sessions, Attempts string
	Endpoint                  string // of a local engine; empty means AWS
	AWS
}

// Store returns where users, sessions and attempts are stored.
func (e *Environment) Store() Stores { return e.store(users | sessions | attempts) }

// SessionStore returns where users and sessions are stored. It does not read the name of the
// attempts table.
func (e *Environment) SessionStore() Stores { return e.store(users | sessions) }

// RevocationStore returns where revocations are stored. It reads only the name of the table of
// sessions.
func (e *Environment) RevocationStore() Stores { return e.store(sessions) }

// AttemptStore returns where counters are stored. It reads only the name of the attempts table.
func (e *Environment) AttemptStore() Stores { return e.store(attempts) }

// tables are the tables of a store that are needed.
type tables uint8

const (
	users tables = 1 << iota
	sessions
	attempts
)

func (e *Environment) store(with tables) Stores {
	const want = "dynamodb or bolt:<path>"
	text, ok := e.required(Store, want)
	if !ok {
		return Stores{}
	}
	if path, isBolt := strings.CutPrefix(text, "bolt:"); isBolt {
		if path == "" {
			e.refuse(Store, "has no path", want)
		}
		return Stores{BoltPath: path}
	}
	if text != "dynamodb" {
		e.refuse(Store, "is not a store", want)
		return Stores{}
	}
	return Stores{DynamoDB: e.dynamoDB(with)}
}

// AnyTables returns how to reach DynamoDB. It reads no name of a table.
func (e *Environment) AnyTables() DynamoDB {
	var d DynamoDB
	d.Endpoint, _ = e.optional(DynamoDBEndpoint)
	d.AWS = e.aws()
	return d
}

func (e *Environment) dynamoDB(with tables) DynamoDB {
	d := e.AnyTables()
	if with&users != 0 {
		d.Users, _ = e.required(UsersTable, "the name of the table of users")
	}
	if with&sessions != 0 {
		d.Sessions, _ = e.required(SessionsTable, "the name of the table of sessions")
	}
	if with&attempts != 0 {
		d.Attempts, _ = e.required(AttemptsTable, "the name of the table of failed logins")
	}
	return d
}
