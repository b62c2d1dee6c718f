package dev

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/keyring"
	"github.com/edgeauth/edgeauth/pkg/auth/service"
)

// live serves the API with the rings that are in the data directory, and follows them when "edgeauth keys" moves them on.
type live struct {
	build func(context.Context, rings) (*API, error)
	home  Home
	log   *slog.Logger

	api  atomic.Pointer[API]
	used rings
	told string // why the rings in the directory are not the ones in use
}

// rings are both as they stood at one moment.
type rings struct {
	signing, refresh keyring.Ring
	texts            [2]auth.Secret
}

func (r rings) sources() (signing, refresh keyring.Source) {
	return keyring.Inline(r.texts[0]), keyring.Inline(r.texts[1])
}

// newLive serves the rings of the data directory, which it makes where they are missing.
func newLive(ctx context.Context, o Options, issuer string, stores service.Stores) (*live, error) {
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

// pollEvery is how soon a running server follows.
const pollEvery = time.Second

// follow looks at the rings until the context ends. Rings that are malformed, exposed, gone or older than those in use
// are told of once, and the ones in use stay: a restored backup must not bring a dropped key back.
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
		l.log.Warn("the keys on the disk are not used, those before them are", "reason", told)
	}
	l.told = told
}

// take goes over to the rings in the directory where they have changed.
func (l *live) take(ctx context.Context) error {
	// In this order: whoever moves both changes the refresh-token ring first.
	signing, err := l.home.SigningRing().Load(ctx)
	if err != nil {
		return fmt.Errorf("%s: %w", keyring.SigningRing, err)
	}
	refresh, err := l.home.RefreshKeys().Load(ctx)
	if err != nil {
		return fmt.Errorf("%s: %w", keyring.RefreshRing, err)
	}
	now := rings{texts: [2]auth.Secret{signing, refresh}}
	if now.texts[0].Equal(l.used.texts[0]) && now.texts[1].Equal(l.used.texts[1]) {
		return nil
	}
	if now.signing, err = keyring.Parse(keyring.SigningRing, signing); err != nil {
		return err
	}
	if now.refresh, err = keyring.Parse(keyring.RefreshRing, refresh); err != nil {
		return err
	}
	for i, pair := range [][2]keyring.Ring{{now.signing, l.used.signing}, {now.refresh, l.used.refresh}} {
		other := !now.texts[i].Equal(l.used.texts[i])
		if pair[0].Serial < pair[1].Serial || other && pair[0].Serial == pair[1].Serial {
			return fmt.Errorf("%s: its serial is %d, and another ring of serial %d has been in use", pair[0].Kind, pair[0].Serial, pair[1].Serial)
		}
	}
	api, err := l.build(ctx, now)
	if err != nil {
		return err
	}
	l.api.Store(api)
	l.used = now
	return nil
}
