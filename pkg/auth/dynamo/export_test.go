package dynamo

import "time"

// Unhurried removes the time limits of a DB. On a busy machine a call could reach its limit, and a
// repeated call has a different meaning.
func (db *DB) Unhurried() *DB {
	db.http.Timeout, db.call = time.Minute, 2*time.Minute
	return db
}
