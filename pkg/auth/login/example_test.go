package login_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/login"
	"github.com/edgeauth/edgeauth/pkg/auth/password"
	"github.com/edgeauth/edgeauth/pkg/auth/throttle"
	"github.com/edgeauth/edgeauth/pkg/auth/user"
)

// oneUser is a store with a single user.
type oneUser user.User

func (o oneUser) ByEmail(_ context.Context, email string) (auth.SubjectID, error) {
	if user.EmailPointers(email)[0] != user.EmailPointers(o.Email)[0] {
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

// Forms returns the zero Forms: the user's hash has the form of new hashes.
func (o oneUser) Forms(context.Context) (user.Forms, error) { return user.Forms{}, nil }

func ExampleAuthenticator_Login() {
	var hasher password.Hasher
	stored, err := hasher.Hash(auth.NewSecret("correct horse"))
	if err != nil {
		fmt.Println(err)
		return
	}
	users := oneUser{ID: "1b671a64", Email: "ada@example.com", Password: stored}
	logins, err := login.New(login.Config{Users: users, Hasher: hasher, Counters: throttle.Unlimited})
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

func ExampleLimit_Most() {
	limits := login.DefaultLimits()
	for _, l := range []throttle.Limit{limits.Account, limits.Device, *limits.Network} {
		fmt.Printf("%d guesses in the worst hour, %d in the worst day\n", l.Most(time.Hour), l.Most(24*time.Hour))
	}
	// Output:
	// 31 guesses in the worst hour, 123 in the worst day
	// 46 guesses in the worst hour, 322 in the worst day
	// 269 guesses in the worst hour, 4041 in the worst day
}

func ExampleLimit_Take() {
	limit := throttle.Limit{Free: 2, Delay: time.Second, MaxDelay: time.Minute, Window: time.Hour}
	var counter throttle.Counter
	for _, after := range []time.Duration{0, 0, 0, time.Second, 2 * time.Second, 3 * time.Second} {
		at := noon.Add(after)
		fmt.Println(after, limit.Take(at, at.Add(time.Hour), "").Do(&counter))
	}
	// Output:
	// 0s true
	// 0s true
	// 0s false
	// 1s true
	// 2s false
	// 3s true
}
