package bench

import (
	"errors"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/edgeauth/edgeauth/pkg/auth/authorizer"
	"github.com/edgeauth/edgeauth/pkg/auth/authtest"
	"github.com/edgeauth/edgeauth/pkg/auth/service"
	"github.com/edgeauth/edgeauth/pkg/auth/session"
	"github.com/edgeauth/edgeauth/pkg/auth/user"
)

// BenchmarkSessionAuthorizer compares the session authorizer with the authorizer. Bare is one
// strongly consistent GetItem by the SDK: the session authorizer makes two of these calls in
// parallel.
func BenchmarkSessionAuthorizer(b *testing.B) {
	db, client, tables := dynamoDBLocal(b)
	authority := authtest.New(b, authtest.Config{Settings: func(s *service.Settings) {
		s.Stores = service.Stores{Users: db.Users(), Sessions: db.Sessions(), Counters: db.Counters(), Versions: db.Versions(), Revocations: db.Revocations(), Flows: db.Flows()}
	}})
	account := authority.AddUser("ada@example.com", "admin")
	access, _ := authority.Login("ada@example.com")
	claims, err := authority.Verifier.Verify(b.Context(), access)
	if err != nil {
		b.Fatal(err)
	}
	bare := func() error {
		out, err := client.GetItem(b.Context(), &dynamodb.GetItemInput{
			TableName: &tables.Sessions, ConsistentRead: aws.Bool(true),
			Key: map[string]types.AttributeValue{
				"pk": &types.AttributeValueMemberS{Value: string(account.ID)}, "sk": &types.AttributeValueMemberS{Value: claims.SessionID},
			},
		})
		if err == nil && len(out.Item) == 0 {
			err = errors.New("there is no such session")
		}
		return err
	}
	event := []byte(`{"version":"2.0","type":"REQUEST","routeArn":"arn:aws:execute-api:us-east-1:123456789012:abcdef123/$default/GET/me",
		"headers":{"authorization":"Bearer ` + access + `"},"requestContext":{"requestId":"r1"}}`)
	ask := func(sessions authorizer.Sessions) func() error {
		a, err := authorizer.New(authorizer.Config{Verifier: authority.Verifier, Sessions: sessions, Now: authority.Clock.Now})
		if err != nil {
			b.Fatal(err)
		}
		return func() error {
			answer, err := a.Invoke(b.Context(), event)
			if err == nil && !strings.HasPrefix(string(answer), `{"isAuthorized":true`) {
				err = errors.New(string(answer))
			}
			return err
		}
	}
	against(b, 1, 1, contestant{"GetItem", bare}, contestant{"authorizer", ask(nil)}, contestant{"session-authorizer", ask(session.Checker{
		Store: db.Sessions(), Subjects: &user.Directory{Store: db.Users()}, Now: authority.Clock.Now,
	})})
}
