package bench

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"go.etcd.io/bbolt"

	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/password"
	"github.com/edgeauth/edgeauth/test/engine"
)

const (
	// importers is how many users "edgeauth user import" writes in parallel.
	importers = 64
	// importTurns is how often the command and the bare writes alternate.
	importTurns = 5
)

// BenchmarkImport measures "edgeauth user import" of accounts with ready-made hashes, including its
// start. It is compared with bare writes of a user and of the pointer from the e-mail, with the
// same parallelism. The command additionally reads whether the user exists.
func BenchmarkImport(b *testing.B) {
	binary := command(b)
	hash, err := password.Hasher{}.Hash(auth.NewSecret(right))
	if err != nil {
		b.Fatal(err)
	}
	b.Run("bolt", func(b *testing.B) {
		home := b.TempDir()
		db, err := bbolt.Open(filepath.Join(b.TempDir(), "bare.db"), 0o600, nil)
		if err != nil {
			b.Fatal(err)
		}
		defer func() { _ = db.Close() }()
		db.MaxBatchDelay = time.Millisecond
		bucket := []byte("users")
		put := func(email, record string) error {
			return db.Batch(func(tx *bbolt.Tx) error {
				at, err := tx.CreateBucketIfNotExists(bucket)
				if err != nil {
					return err
				}
				if err := at.Put([]byte("e#"+email), []byte(email)); err != nil {
					return err
				}
				return at.Put([]byte("u#"+email), []byte(record))
			})
		}
		measureImport(b, 4*b.N, hash, put, exec.Command(binary, "user", "import", "--yes", "--data", home))
	})
	b.Run("dynamodb-local", func(b *testing.B) {
		_, client, tables := dynamoDBLocal(b)
		text := func(s string) types.AttributeValue { return &types.AttributeValueMemberS{Value: s} }
		put := func(email, record string) error {
			one := func(pk string) types.TransactWriteItem {
				return types.TransactWriteItem{Put: &types.Put{
					TableName: &tables.Users, ConditionExpression: aws.String("attribute_not_exists(pk)"),
					Item: map[string]types.AttributeValue{"pk": text(pk + email), "record": text(record)},
				}}
			}
			_, err := client.TransactWriteItems(b.Context(), &dynamodb.TransactWriteItemsInput{
				TransactItems: []types.TransactWriteItem{one("bare-u#"), one("bare-e#")},
			})
			return err
		}
		ours := exec.Command(binary, "user", "import", "--yes", "--store", "dynamodb")
		ours.Env = append(os.Environ(), "EDGEAUTH_USERS_TABLE="+tables.Users,
			"EDGEAUTH_SESSIONS_TABLE="+tables.Sessions, "EDGEAUTH_ATTEMPTS_TABLE="+tables.Attempts)
		for name, value := range engine.DynamoDBLocal(b).Environment() {
			ours.Env = append(ours.Env, name+"="+value)
		}
		measureImport(b, b.N, hash, put, ours)
	})
}

// measureImport alternates between the command and put, which writes as many accounts. each is the
// number of accounts in a turn.
func measureImport(b *testing.B, each int, hash auth.Secret, put func(email, record string) error, ours *exec.Cmd) {
	b.Helper()
	var bare, imported []time.Duration
	for turn := range importTurns {
		emails, lines := make([]string, each), make([]string, each)
		for i := range emails {
			emails[i] = fmt.Sprintf("user%d.%d@example.com", turn, i)
			line, err := json.Marshal(map[string]any{
				"email": emails[i], "password_hash": hash.Reveal(), "roles": []string{"editor"},
			})
			if err != nil {
				b.Fatal(err)
			}
			lines[i] = string(line)
		}
		began := time.Now()
		spread(b, each, func(i int) error { return put(emails[i], lines[i]) })
		bare = append(bare, time.Since(began))

		file := jsonLines(b, lines)
		began = time.Now()
		summary := runImport(b, ours, file)
		imported = append(imported, time.Since(began))
		if summary.Created != each {
			b.Fatalf("of %d accounts %+v", each, summary)
		}
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(float64(each)/median(bare).Seconds(), "bare-accounts/s")
	b.ReportMetric(float64(each)/median(imported).Seconds(), "accounts/s")
	b.ReportMetric(ratio(median(imported), median(bare)), "×bare")
}

type importSummary struct{ Created, Unchanged, Kept, Refused int }

// runImport runs a copy of the command on a file.
func runImport(b *testing.B, c *exec.Cmd, file string) (s importSummary) {
	b.Helper()
	once := exec.Command(c.Path, append(c.Args[1:], "--json", file)...)
	var stderr bytes.Buffer
	once.Env, once.Stderr = c.Env, &stderr
	out, err := once.Output()
	if err != nil {
		b.Fatalf("%v: %s", err, &stderr)
	}
	if err := json.Unmarshal(out, &s); err != nil {
		b.Fatalf("%v: %s", err, out)
	}
	return s
}

func jsonLines(b *testing.B, lines []string) (path string) {
	b.Helper()
	file, err := os.Create(filepath.Join(b.TempDir(), "users.jsonl"))
	if err != nil {
		b.Fatal(err)
	}
	w := bufio.NewWriter(file)
	for _, line := range lines {
		_, _ = fmt.Fprintln(w, line) // Flush reports the error
	}
	if err := w.Flush(); err != nil {
		b.Fatal(err)
	}
	if err := file.Close(); err != nil {
		b.Fatal(err)
	}
	return file.Name()
}

// spread runs f(0) to f(n-1) with the parallelism of the command.
func spread(b *testing.B, n int, f func(i int) error) {
	b.Helper()
	next := make(chan int)
	var all sync.WaitGroup
	for range importers {
		all.Go(func() {
			for i := range next {
				if err := f(i); err != nil {
					b.Error(err)
				}
			}
		})
	}
	for i := range n {
		next <- i
	}
	close(next)
	all.Wait()
}

// command builds edgeauth in its own module, whose dependencies this module does not have.
func command(b *testing.B) (path string) {
	b.Helper()
	path = filepath.Join(b.TempDir(), "edgeauth")
	if out, err := exec.Command("go", "build", "-C", "..", "-o", path, "./cmd/edgeauth").CombinedOutput(); err != nil {
		b.Fatalf("%v\n%s", err, out)
	}
	return path
}
