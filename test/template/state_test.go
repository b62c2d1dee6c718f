package template

import (
	"fmt"
	"slices"
	"strings"
)

// stateRules say which resources stay when a stack is deleted, and that another stack can take them
// over.
var stateRules = []rule{
	{"what is in the tables survives", tables, map[string]func(document){
		"it goes with the stack":    func(d document) { delete(d.resources()["UsersTable"].(tree), "DeletionPolicy") },
		"it goes when replaced":     func(d document) { d.resources()["SessionsTable"].(tree)["UpdateReplacePolicy"] = "Delete" },
		"it is protected too early": func(d document) { d.properties("UsersTable")["DeletionProtectionEnabled"] = true },
		"it stays after a rollback": func(d document) { d.resources()["UsersTable"].(tree)["DeletionPolicy"] = "Retain" },
		"there is no way back":      func(d document) { delete(d.properties("UsersTable"), "PointInTimeRecoverySpecification") },
		"a name of one's own":       func(d document) { d.properties("UsersTable")["TableName"] = "users" },
		"sessions stay for ever":    func(d document) { delete(d.properties("SessionsTable"), "TimeToLiveSpecification") },
		"sessions have another key": func(d document) { d.properties("SessionsTable")["KeySchema"] = d.properties("UsersTable")["KeySchema"] },
	}},
	{"tables are protected when the stack is whole", protection, map[string]func(document){
		"nothing protects them":  func(d document) { delete(d.resources(), "Protection") },
		"it does not wait":       func(d document) { delete(d.resources()["Protection"].(tree), "DependsOn") },
		"a resource comes later": func(d document) { d.resources()["More"] = tree{"Type": "AWS::SQS::Queue"} },
		"a table is left out":    func(d document) { delete(d.properties("Protection"), "SessionsTable") },
		"another table is meant": func(d document) {
			d.properties("Protection")["UsersTable"] = d.properties("Protection")["SessionsTable"]
		},
		"it is made once": func(d document) { delete(d.properties("Protection"), "Stamp") },
		"another function does it": func(d document) {
			d.properties("Protection")["ServiceToken"] = tree{"Fn::GetAtt": []any{"LoginFunction", "Arn"}}
		},
		"CloudFormation waits for an hour": func(d document) { delete(d.properties("Protection"), "ServiceTimeout") },
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
			statement(d, "RefreshRole", 0)["Resource"] = tree{"Fn::GetAtt": []any{"SessionsTable", "Arn"}}
		},
		"several roles do": func(d document) {
			at[[]any](statement(d, "ReadPolicy", 0), "Resource")[0] = tree{"Fn::GetAtt": []any{"UsersTable", "Arn"}}
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
			"does not survive its stack":                 r["DeletionPolicy"] == "RetainExceptOnCreate" && r["UpdateReplacePolicy"] == "Retain",
			"cannot be deleted by a rollback":            p["DeletionProtectionEnabled"] == nil,
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

// protection checks that the tables are protected against deletion after all other resources: a
// rollback cannot delete a protected table.
func protection(d document) (problems []string) {
	p := d.properties("Protection")
	if at[string](d.resources(), "Protection", "Type") != "Custom::EdgeauthProtection" || attributeOf(p["ServiceToken"]) != keysFunction {
		problems = append(problems, "nothing protects the tables")
	}
	if at[float64](p, "ServiceTimeout") != serviceTimeout {
		problems = append(problems, "CloudFormation waits for the protection for an hour")
	}
	if !isStamp(p["Stamp"]) {
		problems = append(problems, "the protection is never checked again")
	}
	for _, table := range []string{"UsersTable", "SessionsTable", "AttemptsTable"} {
		if targetOf(p[table]) != table {
			problems = append(problems, table+" is not protected")
		}
	}
	earlier := map[string]bool{}
	waits(d, "Protection", earlier)
	for id := range d.resources() {
		if !earlier[id] {
			problems = append(problems, "the tables are protected before "+id+" is there: Protection, or what it waits for, must depend on it")
		}
	}
	return problems
}

// waits adds a resource and all resources that it waits for.
func waits(d document, id string, earlier map[string]bool) {
	r := at[tree](d.resources(), id)
	if r == nil || earlier[id] {
		return
	}
	earlier[id] = true
	for _, other := range append(named(r["Properties"]), list(r["DependsOn"])...) {
		waits(d, other, earlier)
	}
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
	for _, id := range slices.Concat(d.of("AWS::IAM::Role"), d.of("AWS::IAM::ManagedPolicy")) {
		for _, p := range policies(d, id) {
			for _, s := range at[[]any](p, "PolicyDocument", "Statement") {
				resources, ok := at[any](s, "Resource").([]any)
				if !ok {
					resources = []any{at[any](s, "Resource")}
				}
				for _, r := range resources {
					if table := attributeOf(r); at[string](d.resources()[table], "Type") == "AWS::DynamoDB::Table" {
						problems = append(problems, id+" may not use an existing "+table)
					}
				}
			}
		}
	}
	return problems
}
