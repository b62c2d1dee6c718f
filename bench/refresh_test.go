package bench

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"go.etcd.io/bbolt"

	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/bolt"
	"github.com/edgeauth/edgeauth/pkg/auth/session"
	"github.com/edgeauth/edgeauth/pkg/auth/user"
)

// atOnce is how many refreshes run in parallel in one round.
const atOnce = 16

// BenchmarkRefreshBolt measures a refresh, which also reads the user. It is compared with a bare
// bbolt write of an item of the same size.
func BenchmarkRefreshBolt(b *testing.B) {
	db, err := bolt.Open(filepath.Join(b.TempDir(), "store.db"))
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	bareDB, err := bbolt.Open(filepath.Join(b.TempDir(), "bare.db"), 0o600, nil)
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = bareDB.Close() }()
	bareDB.MaxBatchDelay = time.Millisecond
	value, name := make([]byte, 600), []byte("sessions")
	bare := func(i int) error {
		return bareDB.Batch(func(tx *bbolt.Tx) error {
			bucket, err := tx.CreateBucketIfNotExists(name)
			if err != nil {
				return err
			}
			return bucket.Put([]byte(fmt.Sprint(i)), value)
		})
	}
	versus(b, parallel(bare), parallel(refreshes(b, db.Sessions(), db.Users())))
}

// BenchmarkRefreshDynamoDBLocal measures a refresh, which also reads the user. It is compared with
// a bare conditional UpdateItem.
func BenchmarkRefreshDynamoDBLocal(b *testing.B) {
	db, client, tables := dynamoDBLocal(b)
	bare := func(i int) error {
		_, err := client.UpdateItem(b.Context(), &dynamodb.UpdateItemInput{
			TableName: &tables.Attempts,
			Key:       map[string]types.AttributeValue{"pk": &types.AttributeValueMemberS{Value: fmt.Sprint(i)}},
			// One comparison and one assignment: the least that a rotation must do.
			UpdateExpression:          aws.String("SET gen = if_not_exists(gen, :zero) + :one"),
			ConditionExpression:       aws.String("attribute_not_exists(rev)"),
			ExpressionAttributeValues: map[string]types.AttributeValue{":zero": number("0"), ":one": number("1")},
		})
		return err
	}
	versus(b, parallel(bare), parallel(refreshes(b, db.Sessions(), db.Users())))
}

func number(text string) types.AttributeValue { return &types.AttributeValueMemberN{Value: text} }

// parallel returns a function that runs f(0) to f(atOnce-1) in parallel.
func parallel(f func(i int) error) func() error {
	return func() error {
		errs := make([]error, atOnce)
		var wg sync.WaitGroup
		for i := range errs {
			wg.Go(func() { errs[i] = f(i) })
		}
		wg.Wait()
		return errors.Join(errs...)
	}
}

// refreshes opens atOnce sessions and returns a function that refreshes the i-th. Each refresh is
// one rotation interval later than the one before.
func refreshes(b *testing.B, sessions session.Store, users user.Store) func(i int) error {
	b.Helper()
	u := user.User{ID: "1b671a64-40d5-491e-99b0-da01ff1f3341", Email: "ada@example.com", Roles: []string{"admin"}, Revision: 1}
	if err := users.Create(b.Context(), u, rand.Text()); err != nil {
		b.Fatal(err)
	}
	clocks := make([]time.Time, atOnce)
	managers, tokens := make([]*session.Manager, atOnce), make([]auth.Secret, atOnce)
	for i := range atOnce {
		clocks[i] = time.Now()
		m, err := session.NewManager(session.Config{
			Store: sessions, Subjects: &user.Directory{Store: users}, Keys: key{},
			Now: func() time.Time { return clocks[i] }, Rand: rand.Reader,
		})
		if err != nil {
			b.Fatal(err)
		}
		g, err := m.Open(b.Context(), session.Opening{Subject: u.Subject(), AuthTime: clocks[i], UserAgent: "bench", Address: "192.0.2.1",
			Client: auth.Client{ID: auth.DefaultClient, Profile: auth.Balanced, IdleTimeout: 24 * time.Hour, AbsoluteTimeout: 1e5 * time.Hour}})
		if err != nil {
			b.Fatal(err)
		}
		managers[i], tokens[i] = m, g.RefreshToken
	}
	return func(i int) error {
		clocks[i] = clocks[i].Add(10 * time.Minute)
		g, err := managers[i].Refresh(b.Context(), session.Request{RefreshToken: tokens[i]})
		if err == nil && g.Outcome != session.OutcomeRotated {
			err = fmt.Errorf("a refresh was %s", g.Outcome)
		}
		tokens[i] = g.RefreshToken
		return err
	}
}

type key struct{}

func (key) SealingKey(context.Context) (auth.RefreshTokenKey, error) {
	return auth.RefreshTokenKey{ID: 1, Secret: auth.NewSecret(strings.Repeat("k", auth.KeyBytes))}, nil
}

func (k key) RefreshTokenKey(ctx context.Context, _ uint16) (auth.RefreshTokenKey, error) {
	return k.SealingKey(ctx)
}

func (key) Reload(context.Context, time.Time) error { return nil }
