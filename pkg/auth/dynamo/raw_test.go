package dynamo

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/session"
	"github.com/edgeauth/edgeauth/pkg/auth/storetest"
	"github.com/edgeauth/edgeauth/pkg/auth/user"
)

// Raw implements [storetest.Raw] for a DB.
type Raw struct{ DB *DB }

func (r Raw) place(item any) (table *string, key attributes) {
	tables := &r.DB.tables
	switch item := item.(type) {
	case auth.SubjectID:
		return &tables.Users, userKey(item)
	case user.Pointer:
		return &tables.Users, pointerKey(item)
	case user.Mark:
		return &tables.Users, markKey(item)
	case session.Key:
		return &tables.Sessions, keyOf(item)
	case storetest.FormsKey:
		return &tables.Users, formsKey()
	case storetest.FlowKey:
		return &tables.Attempts, attributes{attrSubject: str(string(item))}
	case storetest.CounterKey:
		return &tables.Attempts, attributes{attrSubject: str(string(item))}
	}
	panic(fmt.Sprintf("no item: %T", item))
}

func (r Raw) Set(t testing.TB, item any, name string, value any) {
	t.Helper()
	table, key := r.place(item)
	var v types.AttributeValue
	switch value := value.(type) {
	case int:
		v = num(value)
	default:
		v = str(fmt.Sprint(value))
	}
	_, err := r.DB.client.UpdateItem(t.Context(), &dynamodb.UpdateItemInput{
		TableName: table, Key: key, UpdateExpression: aws.String("SET #n = :v"),
		ConditionExpression:      aws.String("attribute_exists(" + attrSubject + ")"),
		ExpressionAttributeNames: map[string]string{"#n": name}, ExpressionAttributeValues: attributes{":v": v},
	})
	if err != nil {
		t.Fatal(err)
	}
}

func (r Raw) Get(t testing.TB, item any, name string) string {
	t.Helper()
	table, key := r.place(item)
	out, err := r.DB.client.GetItem(t.Context(), &dynamodb.GetItemInput{TableName: table, Key: key, ConsistentRead: aws.Bool(true)})
	if err != nil {
		t.Fatal(err)
	}
	text, ok := out.Item[name].(*types.AttributeValueMemberS)
	if !ok {
		return ""
	}
	return text.Value
}

// Item implements [storetest.Raw].
func (r Raw) Item(t testing.TB, item any) any {
	t.Helper()
	table, key := r.place(item)
	out, err := r.DB.client.GetItem(t.Context(), &dynamodb.GetItemInput{TableName: table, Key: key, ConsistentRead: aws.Bool(true)})
	if err != nil {
		t.Fatal(err)
	}
	return out.Item
}

// Put implements [storetest.Raw].
func (r Raw) Put(t testing.TB, item, content any) {
	t.Helper()
	table, _ := r.place(item)
	if _, err := r.DB.client.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: table, Item: content.(attributes)}); err != nil {
		t.Fatal(err)
	}
}

// Rename implements [storetest.Raw].
func (r Raw) Rename(t testing.TB, from, to user.Pointer) {
	t.Helper()
	item := r.Item(t, from).(attributes)
	maps.Copy(item, pointerKey(to))
	r.Put(t, to, item)
	in := &dynamodb.DeleteItemInput{TableName: &r.DB.tables.Users, Key: pointerKey(from)}
	if _, err := r.DB.client.DeleteItem(t.Context(), in); err != nil {
		t.Fatal(err)
	}
}

// Damaged implements [storetest.Raw].
func (r Raw) Damaged(t testing.TB, item any) map[string]any {
	t.Helper()
	whole, damaged := r.Item(t, item).(attributes), map[string]any{}
	_, key := r.place(item)
	for name, value := range whole {
		if _, inKey := key[name]; inKey {
			continue
		}
		spoil := func(how string, value types.AttributeValue) {
			other := maps.Clone(whole)
			other[name] = value
			damaged[name+" "+how] = other
		}
		switch value := value.(type) {
		case *types.AttributeValueMemberN:
			spoil("is a text", str("x"))
			spoil("is negative", num(-1))
			spoil("is too large", &types.AttributeValueMemberN{Value: "18446744073709551616"})
		case *types.AttributeValueMemberB:
			spoil("is a number", num(7))
			spoil("is too short", bin(value.Value[1:]))
		case *types.AttributeValueMemberSS:
			spoil("is a number", num(7))
			if _, anyText := item.(storetest.FormsKey); anyText {
				continue
			}
			spoil("has a name without a kind", &types.AttributeValueMemberSS{Value: append(slices.Clone(value.Value), "x")})
		case *types.AttributeValueMemberS:
			spoil("is a number", num(7))
			if strings.HasPrefix(value.Value, "{") {
				spoil("is no JSON", str("x"))
			}
		default:
			spoil("is a number", num(7))
		}
	}
	return damaged
}

// Load puts the items of a file, in DynamoDB JSON, into the tables.
func (r Raw) Load(t testing.TB, path string) {
	t.Helper()
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var file map[string][]map[string]struct {
		S    *string
		N    *string
		B    []byte
		BOOL *bool
		SS   []string
		L    []struct{ S string }
	}
	if err := json.Unmarshal(raw, &file); err != nil {
		t.Fatal(err)
	}
	for name, table := range map[string]*string{"users": &r.DB.tables.Users, "sessions": &r.DB.tables.Sessions, "attempts": &r.DB.tables.Attempts} {
		if len(file[name]) == 0 {
			t.Fatalf("%s has no %s", path, name)
		}
		for _, written := range file[name] {
			item := attributes{}
			for attr, v := range written {
				switch {
				case v.S != nil:
					item[attr] = str(*v.S)
				case v.N != nil:
					item[attr] = &types.AttributeValueMemberN{Value: *v.N}
				case v.BOOL != nil:
					item[attr] = yes(*v.BOOL)
				case v.SS != nil:
					item[attr] = &types.AttributeValueMemberSS{Value: v.SS}
				case v.B != nil:
					item[attr] = bin(v.B)
				default:
					t.Fatalf("%s: attribute %s has an unknown form", path, attr)
				}
			}
			if _, err := r.DB.client.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: table, Item: item}); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// EnableTTL lets a local engine delete sessions by expires_at, as the template does on AWS.
func (d *DB) EnableTTL(ctx context.Context) error {
	_, err := d.client.UpdateTimeToLive(ctx, &dynamodb.UpdateTimeToLiveInput{
		TableName: &d.tables.Sessions,
		TimeToLiveSpecification: &types.TimeToLiveSpecification{
			AttributeName: aws.String(attrExpires), Enabled: aws.Bool(true),
		},
	})
	if err != nil {
		return failed("enabling TTL", err)
	}
	return nil
}
