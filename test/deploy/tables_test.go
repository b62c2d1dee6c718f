package deploy_test

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
)

func (c *cloud) dynamoDB() *dynamodb.Client {
	return dynamodb.New(dynamodb.Options{Region: region, BaseEndpoint: &c.url, HTTPClient: c.client, Credentials: owner})
}

// tables returns the tables of the account whose names begin with the name of the stack, and whether
// each is protected against deletion.
func (s *stack) tables() map[string]bool {
	s.t.Helper()
	found := map[string]bool{}
	pages := dynamodb.NewListTablesPaginator(s.dynamoDB(), &dynamodb.ListTablesInput{})
	for pages.HasMorePages() {
		page, err := pages.NextPage(s.t.Context())
		if err != nil {
			s.t.Fatal(err)
		}
		for _, name := range page.TableNames {
			if !strings.HasPrefix(name, s.name+"-") {
				continue
			}
			out, err := s.dynamoDB().DescribeTable(s.t.Context(), &dynamodb.DescribeTableInput{TableName: &name})
			if err != nil {
				s.t.Fatal(err)
			}
			found[name] = aws.ToBool(out.Table.DeletionProtectionEnabled)
		}
	}
	return found
}

// secrets returns the secrets of the account that are tagged with the name of the stack.
func (s *stack) secrets() (arns []string) {
	s.t.Helper()
	pages := secretsmanager.NewListSecretsPaginator(s.secretsManager(), &secretsmanager.ListSecretsInput{})
	for pages.HasMorePages() {
		page, err := pages.NextPage(s.t.Context())
		if err != nil {
			s.t.Fatal(err)
		}
		for _, secret := range page.SecretList {
			for _, tag := range secret.Tags {
				if aws.ToString(tag.Key) == "edgeauth:stack" && aws.ToString(tag.Value) == s.name {
					arns = append(arns, aws.ToString(secret.ARN))
				}
			}
		}
	}
	return arns
}

// left returns the resources that the latest deployment created and did not delete.
func (s *stack) left() (ids []string) {
	s.t.Helper()
	events, err := s.events()
	if err != nil {
		s.t.Fatal(err)
	}
	last := map[string]string{}
	for _, e := range events {
		if aws.ToString(e.LogicalResourceId) != s.name {
			last[aws.ToString(e.LogicalResourceId)] = string(e.ResourceStatus)
		}
	}
	for id, status := range last {
		if status != "DELETE_COMPLETE" && status != "CREATE_FAILED" {
			ids = append(ids, id+" "+status)
		}
	}
	slices.Sort(ids)
	return ids
}

// A first deployment that fails at its end leaves nothing behind.
func TestFirstDeployment(t *testing.T) {
	p := open(t)
	s := p.stack(t, "first")
	if err := s.put(failing(p.template), s.parameters()...); err == nil || !strings.Contains(err.Error(), "Fails: ") {
		t.Fatalf("the deployment that should fail: %v", err)
	}
	s.is("ROLLBACK_COMPLETE")
	events, err := s.events()
	if err != nil {
		t.Fatal(err)
	}
	created := 0
	for _, e := range events {
		if e.ResourceStatus == "CREATE_COMPLETE" {
			created++
		}
		if aws.ToString(e.LogicalResourceId) == "Protection" {
			t.Errorf("before all else was there: Protection %s", e.ResourceStatus)
		}
	}
	if created < 50 {
		t.Errorf("%d resources were there before the deployment failed, want 50 or more", created)
	}
	if left, tables, secrets := s.left(), s.tables(), s.secrets(); len(left)+len(tables)+len(secrets) > 0 {
		t.Errorf("left behind are %v, the tables %v, the secrets %v", left, tables, secrets)
	}
	s.drop()

	// A table that the template creates with protection stays behind, and the rollback fails.
	early := failing(p.template)
	early.resources()["UsersTable"].(object)["Properties"].(object)["DeletionProtectionEnabled"] = true
	if err := s.put(early, s.parameters()...); err == nil {
		t.Fatal("the deployment that should fail succeeds")
	}
	s.is("ROLLBACK_FAILED")
	if protected := slices.Collect(maps.Values(s.tables())); !slices.Equal(protected, []bool{true}) {
		t.Errorf("a table that is protected too early: left are %v, want one", s.tables())
	}
}

// The tables of a stack are protected against deletion, and survive it.
func TestProtection(t *testing.T) {
	p := open(t)
	protected := func(s *stack, what string) {
		t.Helper()
		all := s.tables()
		if len(all) != 3 || slices.Contains(slices.Collect(maps.Values(all)), false) {
			t.Errorf("%s the tables are protected as in %v, want three and all of them", what, all)
		}
	}
	s := p.stack(t, "protection")
	s.mustPut(p.template, s.parameters()...)
	protected(s, "after a first deployment")

	// An earlier template protected the tables.
	old := p.template.clone()
	delete(old.resources(), "Protection")
	for _, id := range []string{"UsersTable", "SessionsTable", "AttemptsTable"} {
		table := old.resources()[id].(object)
		table["DeletionPolicy"] = "Retain"
		table["Properties"].(object)["DeletionProtectionEnabled"] = true
	}
	s.mustPut(old)
	protected(s, "after a deployment of before")
	s.mustPut(p.template)
	protected(s, "after an update of it")

	// The owner switches the protection of a table off, and a later deployment switches it on
	// again.
	_, err := s.dynamoDB().UpdateTable(t.Context(), &dynamodb.UpdateTableInput{
		TableName: aws.String(s.outputs["UsersTable"]), DeletionProtectionEnabled: aws.Bool(false),
	})
	if err != nil {
		t.Fatal(err)
	}
	s.mustPut(p.template, "IdleTimeout=300h")
	protected(s, "after an update of a value")

	adopted := []string{
		"ExistingUsersTable=" + s.outputs["UsersTable"], "ExistingSessionsTable=" + s.outputs["SessionsTable"], "ExistingAttemptsTable=" + s.outputs["AttemptsTable"],
	}
	s.drop()
	protected(s, "after the deletion of the stack")

	// A restored table is not protected. The stack that adopts it protects it.
	if _, err := s.dynamoDB().UpdateTable(t.Context(), &dynamodb.UpdateTableInput{
		TableName: aws.String(strings.TrimPrefix(adopted[1], "ExistingSessionsTable=")), DeletionProtectionEnabled: aws.Bool(false),
	}); err != nil {
		t.Fatal(err)
	}
	heir := p.stack(t, "adopts")
	heir.mustPut(p.template, heir.parameters(adopted...)...)
	protected(s, "after another stack adopted them")
	if err := heir.put(p.template, "ExistingUsersTable=no-such-table"); err == nil || !strings.Contains(err.Error(), "Protection: ") || !strings.Contains(err.Error(), "no-such-table") {
		t.Errorf("a table that does not exist: %v", err)
	}
	heir.is("UPDATE_ROLLBACK_COMPLETE")
}
