package service

import (
	"context"
	"errors"
	"time"

	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/authorizer"
	"github.com/edgeauth/edgeauth/pkg/auth/session"
	"github.com/edgeauth/edgeauth/pkg/auth/token"
)

// SessionChecker checks access tokens and opaque sessions for an authorizer. It implements
// authorizer.Sessions and authorizer.OpaqueSessions, and needs no keys.
//
//	a, err := authorizer.New(authorizer.Config{
//		Verifier: verifier, TokenSources: []string{"cookie:__Host-Http-session"},
//		Sessions: service.SessionChecker{Checker: session.Checker{Store: sessions, Subjects: users}, Issuer: issuer},
//	})
type SessionChecker struct {
	session.Checker
	// Issuer is the iss in the claims of opaque sessions, as in access tokens.
	Issuer string
}

// reliance is how long a backend may rely on a check of an opaque session. It is the default
// lifetime of an access token, so a backend that caches the identity caches it no longer than with
// access tokens.
const reliance = defaultLifetime

// CheckOpaque implements authorizer.OpaqueSessions.
func (c SessionChecker) CheckOpaque(ctx context.Context, text auth.Secret) (authorizer.OpaqueCheck, error) {
	checked, err := c.Checker.CheckOpaque(ctx, text)
	if refusal, ok := errors.AsType[*session.Refusal](err); ok && errors.Is(err, session.ErrEnded) {
		return authorizer.OpaqueCheck{Ended: string(refusal.Outcome)}, nil
	}
	if err != nil {
		return authorizer.OpaqueCheck{}, err
	}
	claims, err := c.claims(checked.Session, checked.Subject)
	if err != nil {
		return authorizer.OpaqueCheck{}, err
	}
	o := authorizer.OpaqueCheck{Claims: claims, Fault: checked.SlideErr}
	for _, key := range checked.Ended {
		o.Replaced = append(o.Replaced, key.ID.String())
	}
	return o, nil
}

// claims returns the claims that an access token of the session would have. The e-mail is included
// regardless of EmailClaims: only a backend whose authorizer lists the claim sees it, and no client
// does.
func (c SessionChecker) claims(s session.Session, u auth.Subject) (token.Claims, error) {
	clock := c.Now
	if clock == nil {
		clock = time.Now
	}
	now := clock()
	expires := now.Add(reliance)
	for _, end := range []time.Time{s.IdleEnd, s.AbsoluteEnd} {
		if end.Before(expires) {
			expires = end
		}
	}
	g := token.Grant{Subject: u, SessionID: s.ID.String(), TokenVersion: s.TokenVersion, Client: s.Client, Scope: s.Scope, AMR: s.AMR, AuthTime: s.AuthTime}
	return g.Claims(c.Issuer, now, expires)
}
