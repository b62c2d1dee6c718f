package samlocal

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/edgeauth/edgeauth/internal/backend"
	"github.com/edgeauth/edgeauth/internal/config"
	"github.com/edgeauth/edgeauth/internal/keyrings"
	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/password"
	"github.com/edgeauth/edgeauth/pkg/auth/token"
	"github.com/edgeauth/edgeauth/pkg/auth/user"
)

// Email is the user of every run, who has the role "demo".
const Email = "demo@example.com"

// functions are the functions of the template, by their logical ids. The keys function is not among
// them: there is no CloudFormation here, so Prepare makes the keys.
var functions = []string{"AuthorizerFunction", "SessionAuthorizerFunction", "LoginFunction", "RefreshFunction", "AccountFunction", "SessionsFunction", "DiscoveryFunction"}

// tables are the names of the tables: in sam local, a reference to a table is its logical id.
var tables = map[string]string{
	config.UsersTable: "UsersTable", config.SessionsTable: "SessionsTable", config.AttemptsTable: "AttemptsTable",
}

// State is the data of a run.
type State struct {
	Password  auth.Secret // of the run's user
	Variables string      // the file with the values of the variables; it contains keys
}

// Prepare makes the keys, the tables, a user, and the file of variables. endpoint is the engine's
// URL on this machine. reached, if not nil, gives each function its own URL for the engine.
func (p Project) Prepare(ctx context.Context, issuer, endpoint string, reached map[string]string) (State, error) {
	s := State{Password: auth.NewSecret(rand.Text()), Variables: filepath.Join(p.Work, "variables.json")}
	if err := s.addUser(ctx, endpoint); err != nil {
		return s, err
	}
	values, err := keys(time.Now())
	if err != nil {
		return s, err
	}
	values[config.Issuer], values[config.Audience] = issuer, issuer
	all := map[string]map[string]string{}
	for _, f := range functions {
		way := endpoint
		if reached != nil {
			way = reached[f]
		}
		inside, err := fromContainer(way)
		if err != nil {
			return s, err
		}
		all[f] = map[string]string{config.DynamoDBEndpoint: inside}
		// SAM CLI uses only the variables that the template gives to this function.
		for name, value := range values {
			all[f][name] = value
		}
	}
	text, err := json.Marshal(all)
	if err != nil {
		return s, err
	}
	return s, os.WriteFile(s.Variables, text, 0o600)
}

func (s State) addUser(ctx context.Context, endpoint string) error {
	variables := map[string]string{
		config.Store: "dynamodb", config.DynamoDBEndpoint: endpoint, config.Region: "us-east-1",
		config.AccessKeyID: "local", config.SecretAccessKey: "local",
	}
	for name, table := range tables {
		variables[name] = table
	}
	e := config.New(func(name string) (string, bool) { v, ok := variables[name]; return v, ok })
	where := e.Store()
	if err := e.Err(); err != nil {
		return err
	}
	if err := backend.CreateTables(ctx, where); err != nil {
		return err
	}
	stores, err := backend.OpenStores(where)
	if err != nil {
		return err
	}
	directory := user.Directory{Store: stores.Users, Hasher: &password.Hasher{}}
	_, err = directory.Add(ctx, Email, s.Password, []string{"demo"})
	return err
}

// keys returns the variables with the keys, which the stack would get from its custom resource.
func keys(now time.Time) (map[string]string, error) {
	signing, err := keyrings.NewSigningRing(token.RS256, now, rand.Reader)
	if err != nil {
		return nil, err
	}
	refresh, err := keyrings.NewRefreshRing(now, rand.Reader)
	if err != nil {
		return nil, err
	}
	logins, err := keyrings.NewLoginRing(now, rand.Reader)
	if err != nil {
		return nil, err
	}
	signingText, err := signing.Text()
	if err != nil {
		return nil, err
	}
	refreshText, err := refresh.Text()
	if err != nil {
		return nil, err
	}
	loginText, err := logins.Text()
	if err != nil {
		return nil, err
	}
	set, err := signing.PublicKeys(signing.Current())
	if err != nil {
		return nil, err
	}
	public, err := json.Marshal(set)
	if err != nil {
		return nil, err
	}
	return map[string]string{
		config.SigningRing: signingText.Reveal(), config.RefreshKeys: refreshText.Reveal(),
		config.LoginRing:  loginText.Reveal(),
		config.KeyVersion: strconv.Itoa(int(signing.Current())), config.JWKS: string(public),
	}, nil
}

// fromContainer returns a URL of this machine as containers see it.
func fromContainer(address string) (string, error) {
	u, err := url.Parse(address)
	if err != nil {
		return "", fmt.Errorf("the engine's address: %w", err)
	}
	u.Host = containerHost + ":" + u.Port()
	return u.String(), nil
}
