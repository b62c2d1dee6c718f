package rotation

import (
	"context"
	"sync"

	"github.com/edgeauth/edgeauth/internal/keyrings"
	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/flow"
	"github.com/edgeauth/edgeauth/pkg/auth/service"
	"github.com/edgeauth/edgeauth/pkg/auth/session"
	"github.com/edgeauth/edgeauth/pkg/auth/throttle"
	"github.com/edgeauth/edgeauth/pkg/auth/user"
)

// secret stores a ring in memory. Like the one in Secrets Manager, it accepts only the next state.
type secret struct {
	mu    sync.Mutex
	text  auth.Secret
	saved uint64 // number of writes
}

func (s *secret) Load(context.Context) (auth.Secret, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.saved == 0 {
		return auth.Secret{}, auth.ErrNotFound
	}
	return s.text, nil
}

func (s *secret) Save(_ context.Context, next auth.Secret) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := keyrings.Follows(s.text, next); err != nil {
		return err
	}
	s.text = next
	s.saved++
	return nil
}

// unreliable is a secret whose service is down while an instance starts.
type unreliable struct {
	keyrings.Source
	fails int
}

func (u *unreliable) Load(ctx context.Context) (auth.Secret, error) {
	if u.fails > 0 {
		u.fails--
		return auth.Secret{}, auth.ErrUnavailable
	}
	return u.Source.Load(ctx)
}

// newStores returns stores in memory. All stores follow the same rules, and a disk would only slow
// the test down.
func newStores() service.Stores {
	return service.Stores{
		Users:    &users{byID: map[auth.SubjectID]user.User{}, byEmail: map[user.Email]auth.SubjectID{}},
		Sessions: &sessions{items: map[session.Key]session.Session{}},
		Counters: &attempts{counters: map[string]throttle.Counter{}},
		Flows:    flows{},
	}
}

// flows are not used in this simulation.
type flows struct{ flow.Store }

type sessions struct {
	session.Store // the other methods are not used in this simulation
	mu            sync.Mutex
	items         map[session.Key]session.Session
}

func (s *sessions) Create(_ context.Context, created session.Session) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, there := s.items[created.Key]; !there {
		s.items[created.Key] = created
	}
	return nil
}

func (s *sessions) Get(_ context.Context, key session.Key) (session.Session, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	item, there := s.items[key]
	if !there {
		return session.Session{}, auth.ErrNotFound
	}
	return item, nil
}

func (s *sessions) Update(_ context.Context, key session.Key, u session.Update) (*session.Session, bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	before, there := s.items[key]
	if !there {
		return nil, false, nil
	}
	after := before
	done := u.Do(&after)
	s.items[key] = after
	return &before, done, nil
}

type users struct {
	user.Store
	mu      sync.Mutex
	byID    map[auth.SubjectID]user.User
	byEmail map[user.Email]auth.SubjectID
}

func (s *users) Create(_ context.Context, u user.User, _ string) error {
	email, err := user.NormalizeEmail(u.Email)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.byID[u.ID], s.byEmail[email] = u, u.ID
	return nil
}

func (s *users) Get(_ context.Context, id auth.SubjectID) (user.User, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	u, there := s.byID[id]
	if !there {
		return user.User{}, auth.ErrNotFound
	}
	return u, nil
}

func (s *users) Forms(context.Context) (user.Forms, error) { return user.Forms{}, nil }

func (s *users) UpdateForms(context.Context, user.Forms) error { return nil }

func (s *users) ByEmail(_ context.Context, email string) (auth.SubjectID, error) {
	key, err := user.NormalizeEmail(email)
	if err != nil {
		return "", auth.ErrNotFound
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	id, there := s.byEmail[key]
	if !there {
		return "", auth.ErrNotFound
	}
	return id, nil
}

func (s *users) Update(_ context.Context, u user.User) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	stored, there := s.byID[u.ID]
	switch {
	case !there:
		return auth.ErrNotFound
	case stored.Revision != u.Revision || stored.Email != u.Email:
		return user.ErrConflict
	}
	u.Revision++
	s.byID[u.ID] = u
	return nil
}

type attempts struct {
	mu       sync.Mutex
	counters map[string]throttle.Counter
}

func (s *attempts) Update(_ context.Context, key string, u throttle.Update) (throttle.Counter, bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	before := s.counters[key]
	after := before
	done := u.Do(&after)
	s.counters[key] = after
	return before, done, nil
}
