package dynamo

import "time"

// Unhurried lifts the time limits: what a store's calls mean has nothing to do with how busy a machine is, and a call that
// is given up and sent again means something else.
func (db *DB) Unhurried() *DB {
	db.http.Timeout, db.call = time.Minute, 2*time.Minute
	return db
}
