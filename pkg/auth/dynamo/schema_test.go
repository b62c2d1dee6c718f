package dynamo_test

import (
	"context"
	"testing"

	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/dynamo"
	"github.com/edgeauth/edgeauth/pkg/auth/login"
	"github.com/edgeauth/edgeauth/pkg/auth/password"
	"github.com/edgeauth/edgeauth/pkg/auth/storetest"
	"github.com/edgeauth/edgeauth/pkg/auth/throttle"
	"github.com/edgeauth/edgeauth/pkg/auth/user"
)

func storesIn(db *dynamo.DB) storetest.Stores {
	return storetest.Stores{
		Users: db.Users(), Sessions: db.Sessions(), Counters: db.Counters(), Versions: db.Versions(), Revocations: db.Revocations(),
		Flows: db.Flows(),
	}
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

func TestFixtures(t *testing.T) {
	for name, start := range engines {
		for file, fixture := range storetest.Fixtures {
			t.Run(name+"/"+file, func(t *testing.T) {
				t.Parallel()
				db := newDB(t, start(t), nil).Unhurried()
				dynamo.Raw{DB: db}.Load(t, "testdata/"+file+".json")
				fixture.Check(t, storesIn(db), logIn)
			})
		}
	}
}

func logIn(ctx context.Context, users user.Store, email string, given auth.Secret) (auth.SubjectID, error) {
	who, err := login.New(login.Config{Users: users, Hasher: &password.Hasher{}, Counters: throttle.Unlimited})
	if err != nil {
		return "", err
	}
	u, err := who.Login(ctx, login.Credentials{Email: email, Password: given})
	return u.ID, err
}

func TestEmailDomains(t *testing.T) {
	for name, start := range engines {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			storetest.EmailDomains(t, func(t testing.TB) (user.Store, storetest.Raw) {
				db := newDB(t, start(t), nil).Unhurried()
				return db.Users(), dynamo.Raw{DB: db}
			})
		})
	}
}
