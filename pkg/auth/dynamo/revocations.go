package dynamo

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/edgeauth/edgeauth/pkg/auth/session"
)

// Revocations returns the list of ended sessions and users. Its entries are small items in the
// table of sessions: the partition key is an hour and a shard, and the sort key is a time and the
// id of the ended session or user. TTL deletes them.
func (db *DB) Revocations() session.Revocations { return revocations{db} }

type revocations struct{ db *DB }

const (
	// revocationPrefix begins the partition keys of entries. No subject contains a control
	// character, so no list of sessions finds an entry. The tab is the only control character that
	// IAM policies permit, so a policy can name these keys.
	revocationPrefix = "\trevocations#"

	attrBelow    = "below"     // only in an entry of a user
	attrIssuedBy = "issued_by" // only in an entry of all users; milliseconds
)

// revocationShards is the number of partition keys for the entries of an hour. A partition of
// DynamoDB accepts 1,000 write units a second. An entry has less than a kilobyte and is written in
// a transaction, which counts double: 2 units. So one partition accepts 500 ends a second and four
// accept 2,000. 20,000 ends in one minute are 333 a second, or 667 units: a sixth of the limit, so
// bursts fit too. A read of the list is one query for each shard, so more shards would cost every
// reader.
const revocationShards = 4

func revocationPartition(hour time.Time, shard int) string {
	return revocationPrefix + hour.UTC().Format("2006010215") + "#" + strconv.Itoa(shard)
}

// revocationFrom returns a sort key that precedes the keys of all entries of an instant.
func revocationFrom(at time.Time) string { return fmt.Sprintf("%013d", at.UnixMilli()) }

func revocationKey(e session.RevocationEntry) attributes {
	sort := revocationFrom(e.At) + "#" + e.ID.String()
	if e.Below != 0 { // two raises in the same millisecond are two entries
		sort += "#" + strconv.FormatUint(e.Below, 10)
	}
	return attributes{
		attrSubject: str(revocationPartition(e.At, int(e.ID[0])%revocationShards)),
		attrID:      str(sort),
	}
}

// write renders the write of an entry. It is an update without a condition, because every role that
// may end sessions already has the permission for updates.
func (r revocations) write(e session.RevocationEntry) *types.Update {
	x := newExpression()
	set := []string{
		x.name(attrVersion) + " = " + x.value(num(schemaVersion)),
		x.name(attrExpires) + " = " + x.value(num(e.At.Truncate(time.Hour).Add(time.Hour+session.RevocationsKept).Unix())),
	}
	if e.Below != 0 {
		set = append(set, x.name(attrBelow)+" = "+x.value(num(e.Below)))
	}
	if !e.IssuedBy.IsZero() {
		set = append(set, x.name(attrIssuedBy)+" = "+x.value(ms(e.IssuedBy)))
	}
	return &types.Update{
		TableName: &r.db.tables.Sessions, Key: revocationKey(e), UpdateExpression: aws.String("SET " + strings.Join(set, ", ")),
		ExpressionAttributeNames: x.names, ExpressionAttributeValues: x.values,
	}
}

// revoke renders the write of an entry for a transaction.
func (db *DB) revoke(e session.RevocationEntry) types.TransactWriteItem {
	return types.TransactWriteItem{Update: revocations{db}.write(e)}
}

func revocationOf(item attributes) (session.RevocationEntry, error) {
	r := readerOf(item)
	e := session.RevocationEntry{Below: r.uint(attrBelow), IssuedBy: r.time(attrIssuedBy)}
	at, id, _ := strings.Cut(r.text(attrID), "#")
	id, _, _ = strings.Cut(id, "#")
	millis, err := strconv.ParseInt(at, 10, 64)
	raw, idErr := base64.RawURLEncoding.DecodeString(id)
	if err != nil || idErr != nil || len(raw) != len(e.ID) {
		r.wrong(attrID)
		return e, r.err
	}
	e.ID, e.At = session.RevocationID(raw), time.UnixMilli(millis).UTC()
	return e, r.err
}

// Write implements [session.Revocations].
func (r revocations) Write(ctx context.Context, e session.RevocationEntry) error {
	ctx, cancel := r.db.bounded(ctx)
	defer cancel()
	u := r.write(e)
	_, err := r.db.client.UpdateItem(ctx, &dynamodb.UpdateItemInput{
		TableName: u.TableName, Key: u.Key, UpdateExpression: u.UpdateExpression,
		ExpressionAttributeNames: u.ExpressionAttributeNames, ExpressionAttributeValues: u.ExpressionAttributeValues,
	})
	if err != nil {
		return failed("writing a revocation", err)
	}
	return nil
}

// Since implements [session.Revocations]. It makes one query for each shard of each hour, all in
// parallel, and more queries if a shard has more than a megabyte.
func (r revocations) Since(ctx context.Context, since, now time.Time) ([]session.RevocationEntry, error) {
	if oldest := now.Add(-time.Hour - session.RevocationsKept); since.Before(oldest) {
		since = oldest
	}
	type result struct {
		found []session.RevocationEntry
		err   error
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	results, queries := make(chan result), 0
	for hour := since.Truncate(time.Hour); !hour.After(now.Add(time.Minute)); hour = hour.Add(time.Hour) {
		for shard := range revocationShards {
			queries++
			go func() {
				found, err := r.shard(ctx, revocationPartition(hour, shard), since)
				results <- result{found, err}
			}()
		}
	}
	var (
		all  []session.RevocationEntry
		errs []error
	)
	for range queries {
		one := <-results
		all = append(all, one.found...)
		if one.err != nil {
			errs = append(errs, one.err)
			cancel()
		}
	}
	if len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	return all, nil
}

func (r revocations) shard(ctx context.Context, partition string, since time.Time) (found []session.RevocationEntry, err error) {
	in := &dynamodb.QueryInput{
		TableName: &r.db.tables.Sessions, ConsistentRead: aws.Bool(true),
		KeyConditionExpression:    aws.String(attrSubject + " = :of AND " + attrID + " >= :from"),
		ExpressionAttributeValues: attributes{":of": str(partition), ":from": str(revocationFrom(since))},
	}
	for {
		out, err := sessions(r).query(ctx, in)
		if err != nil {
			return nil, fmt.Errorf("reading the revocations: %w", err)
		}
		for _, item := range out.Items {
			e, err := revocationOf(item)
			if err != nil {
				return nil, err
			}
			found = append(found, e)
		}
		if in.ExclusiveStartKey = out.LastEvaluatedKey; len(in.ExclusiveStartKey) == 0 {
			return found, nil
		}
	}
}
