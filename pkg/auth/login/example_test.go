package login_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/login"
	"github.com/edgeauth/edgeauth/pkg/auth/password"
	"github.com/edgeauth/edgeauth/pkg/auth/user"
)

// oneUser is a store that holds a single user.
type oneUser user.User

func (o oneUser) ByEmail(_ context.Context, e user.Email) (auth.SubjectID, error) {
	if key, err := user.NormalizeEmail(o.Email); err != nil || key != e {
		return "", auth.ErrNotFound
	}
	return o.ID, nil
}

func (o oneUser) Get(_ context.Context, id auth.SubjectID) (user.User, error) {
	if id != o.ID {
		return user.User{}, auth.ErrNotFound
	}
	return user.User(o), nil
}

func ExampleAuthenticator_Login() {
	var hasher password.Hasher
	stored, err := hasher.Hash(auth.NewSecret("correct horse"))
	if err != nil {
		fmt.Println(err)
		return
	}
	users := oneUser{ID: "1b671a64", Email: "ada@example.com", Password: stored}
	logins, err := login.New(login.Config{Users: users, Hasher: hasher, Attempts: login.Unlimited})
	if err != nil {
		fmt.Println(err)
		return
	}

	for _, c := range []login.Credentials{
		{Email: "Ada@Example.com", Password: auth.NewSecret("correct horse")},
		{Email: "ada@example.com", Password: auth.NewSecret("battery staple")},
		{Email: "eve@example.com", Password: auth.NewSecret("correct horse")},
	} {
		u, err := logins.Login(context.Background(), c)
		var refusal *login.Refusal
		if errors.As(err, &refusal) {
			fmt.Printf("answer %q, audit log %q\n", refusal, refusal.Reason)
			continue
		}
		fmt.Println("welcome", u.ID)
	}
	// Output:
	// welcome 1b671a64
	// answer "invalid credentials", audit log "wrong_password"
	// answer "invalid credentials", audit log "unknown"
}
