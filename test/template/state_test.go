package template

import (
	"fmt"
	"slices"
	"strings"
)

// stateRules say what survives a stack, and that another stack can go on with it.
var stateRules = []rule{
	{"what is in the tables survives", tables, map[string]func(document){
		"it goes with the stack":    func(d document) { delete(d.resources()["UsersTable"].(tree), "DeletionPolicy") },
		"it goes when replaced":     func(d document) { d.resources()["SessionsTable"].(tree)["UpdateReplacePolicy"] = "Delete" },
		"anybody may delete it":     func(d document) { d.properties("UsersTable")["DeletionProtectionEnabled"] = false },
		"there is no way back":      func(d document) { delete(d.properties("UsersTable"), "PointInTimeRecoverySpecification") },
		"a name of one's own":       func(d document) { d.properties("UsersTable")["TableName"] = "users" },
		"sessions stay for ever":    func(d document) { delete(d.properties("SessionsTable"), "TimeToLiveSpecification") },
		"sessions have another key": func(d document) { d.properties("SessionsTable")["KeySchema"] = d.properties("UsersTable")["KeySchema"] },
	}},
	{"tables and secrets can be those of another stack", adopted, map[string]func(document){
		"a function has its own table": func(d document) { variables(d, "LoginFunction")["EDGEAUTH_USERS_TABLE"] = tree{"Ref": "UsersTable"} },
		"a function has another table": func(d document) {
			variables(d, "LoginFunction")["EDGEAUTH_USERS_TABLE"] = variables(d, "LoginFunction")["EDGEAUTH_SESSIONS_TABLE"]
		},
		"a function has another's ring": func(d document) {
			variables(d, "LoginFunction")["EDGEAUTH_LOGIN_RING"] = variables(d, "LoginFunction")["EDGEAUTH_SIGNING_RING"]
		},
		"the stamp has its own table": func(d document) { d.properties("Keys")["UsersTable"] = tree{"Ref": "UsersTable"} },
		"the command finds another table": func(d document) {
			outputs := at[tree](d.root, "Outputs")
			outputs["UsersTable"] = outputs["SessionsTable"]
		},
		"a table is made in any case": func(d document) { delete(d.resources()["SessionsTable"].(tree), "Condition") },
		"a role allows its own table alone": func(d document) {
			statement(d, "LoginRole", 0)["Resource"] = tree{"Fn::GetAtt": []any{"UsersTable", "Arn"}}
		},
	}},
}

func tables(d document) (problems []string) {
	keys := map[string][]string{"UsersTable": {"pk"}, "SessionsTable": {"pk", "sk"}, "AttemptsTable": {"pk"}}
	expires := map[string]string{"SessionsTable": "expires_at", "AttemptsTable": "expires_at"}
	for id, want := range keys {
		r, p := at[tree](d.resources(), id), d.properties(id)
		var got []string
		for _, k := range at[[]any](p, "KeySchema") {
			got = append(got, at[string](k, "AttributeName"))
		}
		for what, ok := range map[string]bool{
			"does not survive its stack":                 r["DeletionPolicy"] == "Retain" && r["UpdateReplacePolicy"] == "Retain",
			"can be deleted":                             p["DeletionProtectionEnabled"] == true,
			"cannot be brought back":                     at[bool](p, "PointInTimeRecoverySpecification", "PointInTimeRecoveryEnabled"),
			"is in the way of a second one":              p["TableName"] == nil,
			"has a capacity":                             p["BillingMode"] == "PAY_PER_REQUEST",
			"has other keys than the code":               slices.Equal(got, want),
			"keeps what is over, or deletes what is not": at[string](p, "TimeToLiveSpecification", "AttributeName") == expires[id],
		} {
			if !ok {
				problems = append(problems, id+" "+what)
			}
		}
	}
	if len(d.of("AWS::DynamoDB::Table")) != len(keys) {
		problems = append(problems, "there is a table that nobody has looked at")
	}
	return problems
}

func adopted(d document) (problems []string) {
	names := map[string]string{
		"EDGEAUTH_USERS_TABLE": "UsersTable", "EDGEAUTH_SESSIONS_TABLE": "SessionsTable", "EDGEAUTH_ATTEMPTS_TABLE": "AttemptsTable",
		"EDGEAUTH_SIGNING_RING": "SigningSecret", "EDGEAUTH_REFRESH_KEYS": "RefreshSecret", "EDGEAUTH_LOGIN_RING": "LoginSecret",
	}
	hold := func(where string, value any, want string) {
		if got := targetOf(value); got != want || attributeOf(value) != "" {
			problems = append(problems, fmt.Sprintf("%s names %q, want %s or the existing one", where, got, want))
		}
	}
	for _, id := range d.of("AWS::Lambda::Function") {
		for variable, want := range names {
			if value := variables(d, id)[variable]; value != nil {
				if text := at[[]any](value, "Fn::Sub"); len(text) == 2 && text[0] == "secretsmanager:${Arn}" {
					value = at[any](text[1], "Arn")
				}
				hold(id+"'s "+variable, value, want)
			}
		}
	}
	for _, want := range names {
		hold("the output "+want, at[any](d.root, "Outputs", want, "Value"), want)
		if at[string](d.resources()[want], "Condition") != "Makes"+want {
			problems = append(problems, want+" is made beside an existing one")
		}
		if strings.HasSuffix(want, "Table") {
			hold("the stamp's "+want, d.properties("Keys")[want], want)
		}
	}
	for _, id := range d.of("AWS::IAM::Role") {
		for i := range at[[]any](d.properties(id), "Policies") {
			for _, s := range at[[]any](at[[]any](d.properties(id), "Policies")[i], "PolicyDocument", "Statement") {
				if table := attributeOf(at[any](s, "Resource")); at[string](d.resources()[table], "Type") == "AWS::DynamoDB::Table" {
					problems = append(problems, id+" may not use an existing "+table)
				}
			}
		}
	}
	return problems
}
