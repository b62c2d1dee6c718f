package session_test

import (
	"context"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"time"

	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/bolt"
	"github.com/edgeauth/edgeauth/pkg/auth/session"
)

// A program that guards routes loads the list once, and asks it about each verified access token.
func ExampleRevocationList() {
	folder, err := os.MkdirTemp("", "edgeauth")
	if err != nil {
		log.Fatal(err)
	}
	defer func() { _ = os.RemoveAll(folder) }()
	db, err := bolt.Open(filepath.Join(folder, "store.db"))
	if err != nil {
		log.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	ended := session.Key{Subject: "ada", ID: session.IDOf(auth.NewSecret("one"))}
	if err := db.Revocations().Write(context.Background(), session.EndOfSession(ended, time.Now())); err != nil {
		log.Fatal(err)
	}

	list, err := session.NewRevocationList(session.RevocationListConfig{
		Revocations: db.Revocations(), Lifetime: time.Hour, // the longest life of an access token
	})
	if err != nil {
		log.Fatal(err)
	}
	if err := list.Load(context.Background()); err != nil {
		log.Print(err) // the first requests try again
	}
	for _, id := range []session.ID{ended.ID, session.IDOf(auth.NewSecret("another"))} {
		why, err := list.CheckToken(context.Background(), auth.Principal{
			Subject: "ada", SessionID: id.String(), TokenVersion: auth.NewTokenVersion(0), IssuedAt: time.Now(),
		})
		fmt.Printf("%q %v\n", why, err)
	}
	// Output:
	// "revoked" <nil>
	// "" <nil>
}
