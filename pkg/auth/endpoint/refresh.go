package endpoint

import (
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/edgeauth/edgeauth/internal/audit"
	"github.com/edgeauth/edgeauth/internal/errorcode"
	"github.com/edgeauth/edgeauth/internal/router"
	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/session"
)

// Refresh returns the handler of the refresh function. POST /auth/refresh takes a refresh token in
// a form (RFC 6749, section 6) or in JSON, and answers with the next pair of tokens. Every refusal
// has the member terminal: true means that the token will never work again, false means that
// nothing was decided.
//
// These are the parameters:
//
//   - refresh_token is required, unless the request has the cookie. The token must come back in the
//     way in which it was delivered: a token of a cookie is refused in the body, and the reverse.
//   - grant_type is refresh_token. It is required in a form and optional in JSON.
//   - client_id, if it is sent, must be the client of the session.
//   - scope narrows the scope of the access token: names separated by spaces.
//
// The handler checks path and method itself: another path is 404, another method 405.
func Refresh(x *Responder, sessions *session.Manager) (http.Handler, error) {
	return router.New("refresh", router.Handlers{"POST /auth/refresh": refreshHandler{x, sessions}})
}

type refreshHandler struct {
	*Responder
	sessions *session.Manager
}

func (h refreshHandler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	g, err := h.refresh(w, r, func(theft *session.Refusal) { h.log(r, session.Granted{}, theft) })
	if err != nil {
		p := problemOf(err)
		p.session = sessionOf(g, err)
		p.write(w, r, true)
	}
	if refusal, ok := errors.AsType[*session.Refusal](err); ok && refusal.Outcome.Theft() {
		logReplaced(h.audit, r, g.Ended, refusal.Client)
		return // the theft was logged before the session was ended
	}
	h.log(r, g, err)
}

func (h refreshHandler) refresh(w http.ResponseWriter, r *http.Request, onTheft func(*session.Refusal)) (session.Granted, error) {
	request, err := h.request(r)
	if err != nil {
		return session.Granted{}, err
	}
	request.OnTheft = onTheft
	// Check before the write: in the strict profile, a rotation without an answer would log the
	// client out.
	if err := h.issuer.Ready(r.Context()); err != nil {
		return session.Granted{}, err
	}
	g, err := h.sessions.Refresh(r.Context(), request)
	if err != nil {
		return g, err
	}
	return g, h.grant(w, r, g, request.Scope, auth.Secret{})
}

func (h refreshHandler) request(r *http.Request) (session.Request, error) {
	in, err := read(r, jsonType, formType)
	if err != nil {
		return session.Request{}, err
	}
	var grantType, refreshToken, clientID, scope string
	if err := in.texts(map[string]*string{
		"grant_type": &grantType, "refresh_token": &refreshToken, "client_id": &clientID, "scope": &scope,
	}); err != nil {
		return session.Request{}, err
	}
	switch {
	case grantType == "" && in.form != nil:
		return session.Request{}, invalidRequest("grant_type is required")
	case grantType != "" && grantType != "refresh_token":
		return session.Request{}, &problem{status: http.StatusBadRequest, code: errorcode.UnsupportedGrantType,
			description: "grant_type must be refresh_token"}
	}
	presented, err := h.pages.presented(r, auth.NewSecret(refreshToken))
	switch {
	case err != nil:
		return session.Request{}, err
	case presented.token.Reveal() == "" && len(sessionCookie.values(r)) > 0:
		// Not terminal: the session continues.
		return session.Request{}, invalidRequest("the session of the cookie %s has no refresh tokens; its cookie is valid until the session ends", sessionCookie.name)
	case presented.token.Reveal() == "" && in.form == nil && h.pages.ours(r):
		// A page whose browser has no cookie learns that its user is logged out.
		return session.Request{}, &problem{status: http.StatusBadRequest, code: errorcode.InvalidGrant, terminal: true,
			description: "the request has neither the cookie nor a refresh_token"}
	case presented.token.Reveal() == "":
		return session.Request{}, invalidRequest("refresh_token is required")
	}
	return session.Request{RefreshToken: presented.token, ByCookie: presented.byCookie, Client: clientOf(clientID), Scope: scopeOf(scope), Visit: h.cdn.visit(r)}, nil
}

// presented is the refresh token of a request. It is empty if the request has no token.
type presented struct {
	token    auth.Secret
	byCookie bool
}

// presented returns the refresh token of a request, from its cookie or from its body (inBody). Two
// different tokens are refused before anything is decided.
func (p pages) presented(r *http.Request, inBody auth.Secret) (presented, error) {
	cookie, err := p.token(r, refreshCookie)
	switch {
	case err != nil:
		return presented{}, err
	case cookie.Reveal() == "":
		return presented{token: inBody}, nil
	case inBody.Reveal() != "" && inBody.Reveal() != cookie.Reveal():
		return presented{}, invalidRequest("the body and the cookie %s have different refresh tokens; send one of them", refreshCookie.name)
	}
	return presented{cookie, true}, nil
}

// scopeOf returns the distinct names in a scope. If repeated names stayed, they could make the
// access token longer than any verifier accepts.
func scopeOf(text string) (names []string) {
	for _, name := range strings.Fields(text) {
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}

func (h refreshHandler) log(r *http.Request, g session.Granted, err error) {
	e := finished{
		name: audit.SessionRenewed, failed: audit.SessionRenewFail, outcome: string(g.Outcome),
		session: g.Session.Key, client: g.Session.Client, err: err,
	}.event(r)
	e.Signals = g.Signals
	if refusal, ok := errors.AsType[*session.Refusal](err); ok {
		e.Name, e.Outcome, e.Reason = nameOf(refusal.Outcome), string(refusal.Outcome), string(refusal.Revoked)
		e.Signals = refusal.Signals
	}
	h.audit.Write(r.Context(), e)
	logReplaced(h.audit, r, g.Ended, g.Session.Client)
}

// sessionOf returns the id of the session of a refused refresh, or the zero ID if its token is not
// authentic. With the id, a page distinguishes a refusal for an earlier session from a refusal for
// its current session.
func sessionOf(g session.Granted, err error) session.ID {
	if refusal, ok := errors.AsType[*session.Refusal](err); ok {
		return refusal.Session.ID
	}
	return g.Session.ID
}

func nameOf(o session.Outcome) audit.Name {
	switch o {
	case session.OutcomeFork, session.OutcomeReuse:
		return audit.TokenReuse
	case session.OutcomeIdle, session.OutcomeAbsolute, session.OutcomeNotBefore:
		return audit.SessionExpired
	}
	return audit.SessionRenewFail
}
