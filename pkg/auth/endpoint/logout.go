package endpoint

import (
	"cmp"
	"errors"
	"net/http"
	"strings"

	"github.com/edgeauth/edgeauth/internal/answer"
	"github.com/edgeauth/edgeauth/internal/audit"
	"github.com/edgeauth/edgeauth/internal/errorcode"
	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/session"
)

type logoutHandler struct {
	sessions *session.Manager
	pages    pages
	audit    *audit.Log
}

func (h logoutHandler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	e, byCookie, err := h.logout(r)
	if err != nil {
		problemOf(err).write(w, r, true)
	} else {
		if byCookie {
			for _, c := range []cookie{refreshCookie, accessCookie, sessionCookie} {
				c.clear(w)
			}
		}
		answer.JSON(w, http.StatusOK, struct{}{})
	}
	h.log(r, e, err)
}

// logout ends the session of the request. byCookie says that the session's cookies must be removed.
func (h logoutHandler) logout(r *http.Request) (_ session.Ended, byCookie bool, err error) {
	in, err := read(r, jsonType, formType)
	if err != nil {
		return session.Ended{}, false, err
	}
	// RFC 7009 calls the parameter token, and the answer of a login calls the value refresh_token.
	var token, refreshToken, clientID string
	if err := in.texts(map[string]*string{"token": &token, "refresh_token": &refreshToken, "client_id": &clientID}); err != nil {
		return session.Ended{}, false, err
	}
	if token != "" && refreshToken != "" && token != refreshToken {
		return session.Ended{}, false, invalidRequest("token and refresh_token differ; send one of them")
	}
	given, err := h.pages.presented(r, auth.NewSecret(cmp.Or(token, refreshToken)))
	if err != nil {
		return session.Ended{}, false, err
	}
	opaque, err := h.pages.token(r, sessionCookie)
	switch {
	case err != nil:
		return session.Ended{}, false, err
	case opaque.Reveal() != "" && given.token.Reveal() != "" && !given.byCookie:
		return session.Ended{}, false, invalidRequest("the request has the cookie %s and a refresh token; send one of them", sessionCookie.name)
	case opaque.Reveal() != "" && given.byCookie:
		// A late answer of an earlier session may have set its cookie in addition to the session's
		// cookie. The browser sends both cookies, and its user must be able to log out.
		ended, err := h.sessions.LogoutOpaque(r.Context(), opaque, clientOf(clientID))
		if err != nil {
			return ended, false, err
		}
		h.log(r, ended, nil)
	case opaque.Reveal() != "":
		ended, err := h.sessions.LogoutOpaque(r.Context(), opaque, clientOf(clientID))
		return ended, true, err
	case given.token.Reveal() == "" && h.pages.ours(r):
		// The browser has no cookie any more, for example because the cookie has expired.
		return session.Ended{Outcome: session.OutcomeMissing}, true, nil
	case given.token.Reveal() == "":
		return session.Ended{}, false, invalidRequest("token or refresh_token is required")
	case !given.byCookie && isJWT(given.token.Reveal()):
		// RFC 7009, section 2.2.1. A 200 would be wrong, because the access token stays valid until
		// it expires. An access token does not end its session either: a thief could log out the
		// owner with a leaked access token.
		return session.Ended{}, false, &problem{status: http.StatusBadRequest, code: errorcode.UnsupportedTokenType,
			description: "an access token cannot be revoked; send the refresh token"}
	}
	ended, err := h.sessions.Logout(r.Context(), given.token, clientOf(clientID))
	return ended, given.byCookie, err
}

// clientOf returns the client that a request names, or nil if the request names no client.
func clientOf(id string) *auth.ClientID {
	if id == "" {
		return nil
	}
	client := auth.ClientID(id)
	return &client
}

// isJWT recognizes an access token by its form, for any issuer. The answer is the same for all of
// them and reveals nothing. A refresh token has no dot.
func isJWT(token string) bool {
	return strings.HasPrefix(token, "eyJ") && strings.Count(token, ".") == 2
}

func (h logoutHandler) log(r *http.Request, ended session.Ended, err error) {
	f := finished{
		name: audit.TokenRevoked, failed: audit.TokenRevokeFail, outcome: string(ended.Outcome),
		session: ended.Session, client: ended.Client, err: err,
	}
	reason := ended.Reason
	if ended.Outcome == session.OutcomeLoggedOut {
		reason = "" // the outcome says the same
	} else {
		f.name = audit.TokenRevokeFail
	}
	e := f.event(r)
	e.Reason = string(reason)
	if refusal, ok := errors.AsType[*session.Refusal](err); ok {
		e.Outcome = string(refusal.Outcome)
	}
	h.audit.Write(r.Context(), e)
	logReplaced(h.audit, r, ended.Replaced, ended.Client)
}
