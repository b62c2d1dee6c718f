package runtimeapi

import (
	"encoding/json"
	"errors"
	"net/http"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/google/uuid"

	"github.com/edgeauth/edgeauth/internal/route"
	"github.com/edgeauth/edgeauth/internal/router"
	"github.com/edgeauth/edgeauth/internal/standin"
)

// Gateway is an HTTP API in front of functions. A path that is not in route.Table answers with the
// authorizer's context. CheckedPath has the session authorizer, and every other path that needs a
// token has the authorizer.
type Gateway struct {
	Functions                     map[string]*Function // by their names in route.Table
	Authorizer, SessionAuthorizer *Function
}

// CheckedPath is a path behind the session authorizer.
const CheckedPath = "/money"

// ServeHTTP implements http.Handler.
func (g *Gateway) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	row, found := routes.Find(r)
	origin := standin.Origin{RequestID: uuid.NewString(), Time: time.Now(), RouteKey: r.Method + " " + r.URL.Path}
	if !found || row.Guard != route.None {
		var status int
		if origin.Authorizer, status = g.authorize(r, origin); status != http.StatusOK {
			w.WriteHeader(status)
			return
		}
	}
	if !found {
		_ = json.NewEncoder(w).Encode(origin.Authorizer)
		return
	}
	answer, err := g.Functions[row.Function].request(r, origin)
	if err == nil {
		err = standin.WriteAnswer(w, answer)
	}
	if err != nil { // a real gateway gives no detail either
		w.WriteHeader(http.StatusInternalServerError)
	}
}

var routes = router.NewMatcher(route.Table())

// authorize calls the authorizer and returns the gateway's status for its answer; 200 means
// allowed.
func (g *Gateway) authorize(r *http.Request, o standin.Origin) (map[string]string, int) {
	event, err := standin.AuthorizerEventOf(r, o, "authorization")
	if errors.Is(err, standin.ErrNoIdentity) {
		return nil, http.StatusUnauthorized
	}
	if err != nil {
		return nil, http.StatusInternalServerError
	}
	var answer struct {
		IsAuthorized bool
		Context      map[string]string
	}
	authorizer := g.Authorizer
	if r.URL.Path == CheckedPath {
		authorizer = g.SessionAuthorizer
	}
	raw, err := authorizer.Invoke(r.Context(), event)
	switch {
	case err != nil || json.Unmarshal(raw, &answer) != nil:
		return nil, http.StatusInternalServerError
	case !answer.IsAuthorized:
		return nil, http.StatusForbidden
	}
	return answer.Context, http.StatusOK
}

// request is Invoke for HTTP requests.
func (f *Function) request(r *http.Request, o standin.Origin) (answer events.APIGatewayV2HTTPResponse, err error) {
	e, err := standin.EventOf(r, o)
	if err != nil {
		return answer, err
	}
	event, err := json.Marshal(e)
	if err != nil {
		return answer, err
	}
	raw, err := f.Invoke(r.Context(), event)
	if err != nil {
		return answer, err
	}
	return answer, json.Unmarshal(raw, &answer)
}
