package dev

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/edgeauth/edgeauth/internal/backend"
	"github.com/edgeauth/edgeauth/internal/keyrings"
	"github.com/edgeauth/edgeauth/pkg/auth"
)

// live serves the API with the rings in the data directory, and reloads them after "edgeauth keys"
// has changed them.
type live struct {
	build func(context.Context, rings) (*API, error)
	home  Home
	log   *slog.Logger

	api  atomic.Pointer[API]
	used rings
	told string // why the rings in the directory are not in use
}

// rings holds the rings as they were at one moment.
type rings struct {
	signing, refresh, login stored
}

// stored is a ring and its text.
type stored struct {
	keyrings.Ring
	text auth.Secret
}

func (s stored) source() keyrings.Source { return keyrings.Inline(s.text) }

// newLive serves the rings of the data directory. It creates missing rings.
func newLive(ctx context.Context, o Options, issuer string, stores backend.Stores) (*live, error) {
	if _, err := o.Home.EnsureKeys(ctx, o.Algorithm, time.Now()); err != nil {
		return nil, err
	}
	l := &live{
		build: func(ctx context.Context, r rings) (*API, error) { return newAPI(ctx, o, issuer, stores, r) },
		home:  o.Home, log: slog.New(slog.NewJSONHandler(o.Log, nil)),
	}
	return l, l.take(ctx)
}

func (l *live) ServeHTTP(w http.ResponseWriter, r *http.Request) { l.api.Load().ServeHTTP(w, r) }

// pollEvery is how often a running server checks the rings.
const pollEvery = time.Second

// follow checks the rings until ctx ends. Malformed, exposed, missing or older rings are logged
// once and not used: a restored backup must not bring back a dropped key.
func (l *live) follow(ctx context.Context) {
	for {
		select {
		case <-time.After(pollEvery):
			l.look(ctx)
		case <-ctx.Done():
			return
		}
	}
}

func (l *live) look(ctx context.Context) {
	told, err := "", l.take(ctx)
	if err != nil {
		told = err.Error()
	}
	if told != l.told && told != "" {
		l.log.Warn("the keys on disk are not used; the previous keys stay in use", "reason", told)
	}
	l.told = told
}

// take switches to the rings in the directory if they have changed.
func (l *live) take(ctx context.Context) error {
	var now rings
	changed := false
	// In this order: "edgeauth keys" changes the signing ring last.
	for _, ring := range []struct {
		kind      keyrings.Kind
		at        keyrings.Source
		used, now *stored
	}{
		{keyrings.SigningRing, l.home.SigningRing(), &l.used.signing, &now.signing},
		{keyrings.RefreshRing, l.home.RefreshKeys(), &l.used.refresh, &now.refresh},
		{keyrings.LoginRing, l.home.LoginRing(), &l.used.login, &now.login},
	} {
		text, err := ring.at.Load(ctx)
		if err != nil {
			return fmt.Errorf("%s: %w", ring.kind, err)
		}
		if text.Equal(ring.used.text) {
			*ring.now = *ring.used
			continue
		}
		r, err := keyrings.Parse(ring.kind, text)
		if err != nil {
			return err
		}
		if r.Serial <= ring.used.Serial {
			return fmt.Errorf("%s: the ring on disk has serial %d (want a serial above %d, which is in use)", ring.kind, r.Serial, ring.used.Serial)
		}
		*ring.now, changed = stored{r, text}, true
	}
	if !changed {
		return nil
	}
	api, err := l.build(ctx, now)
	if err != nil {
		return err
	}
	l.api.Store(api)
	l.used = now
	return nil
}
