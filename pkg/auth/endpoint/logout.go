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
	audit    *audit.Log
}

func (h logoutHandler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	e, err := h.logout(r)
	if err != nil {
		problemOf(err).write(w, r, true)
	} else {
		answer.JSON(w, http.StatusOK, struct{}{})
	}
	h.log(r, e, err)
}

func (h logoutHandler) logout(r *http.Request) (session.Ended, error) {
	in, err := read(r, jsonType, formType)
	if err != nil {
		return session.Ended{}, err
	}
	// RFC 7009 calls the parameter token, and the answer of a login calls the value refresh_token.
	var token, refreshToken, clientID string
	if err := in.texts(map[string]*string{"token": &token, "refresh_token": &refreshToken, "client_id": &clientID}); err != nil {
		return session.Ended{}, err
	}
	switch {
	case token == "" && refreshToken == "":
		return session.Ended{}, invalidRequest("token or refresh_token is required")
	case token != "" && refreshToken != "" && token != refreshToken:
		return session.Ended{}, invalidRequest("token and refresh_token differ; send one of them")
	}
	token = cmp.Or(token, refreshToken)
	switch {
	case isJWT(token):
		// RFC 7009, section 2.2.1. A 200 would be wrong, because the access token stays valid until
		// it expires. An access token does not end its session either: a thief could log out the
		// owner with a leaked access token.
		return session.Ended{}, &problem{status: http.StatusBadRequest, code: errorcode.UnsupportedTokenType,
			description: "an access token cannot be revoked; send the refresh token"}
	}
	var client *auth.ClientID
	if clientID != "" {
		id := auth.ClientID(clientID)
		client = &id
	}
	return h.sessions.Logout(r.Context(), auth.NewSecret(token), client)
}

// isJWT recognizes an access token by its form, no matter who issued it. The answer is the same for
// all and reveals nothing. A refresh token has no dot.
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
		reason = "" // the outcome says it
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
