package dynamo_test

import (
	"testing"

	"github.com/edgeauth/edgeauth/pkg/auth/dynamo"
	"github.com/edgeauth/edgeauth/pkg/auth/storetest"
)

func storesIn(db *dynamo.DB) storetest.Stores {
	return storetest.Stores{Users: dynamo.Users{DB: db}, Sessions: dynamo.Sessions{DB: db}, Counters: dynamo.Counters{DB: db}}
}

func TestSchema(t *testing.T) {
	for name, start := range engines {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db := newDB(t, start(t), nil).Unhurried()
			storetest.Schema(t, storesIn(db), dynamo.Raw{DB: db})
		})
	}
}

func TestVersion1(t *testing.T) {
	for name, start := range engines {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db := newDB(t, start(t), nil).Unhurried()
			dynamo.Raw{DB: db}.Load(t, "testdata/version1.json")
			storetest.Version1(t, storesIn(db))
		})
	}
}
