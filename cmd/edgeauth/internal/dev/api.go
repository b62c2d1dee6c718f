// Package dev is API Gateway on a laptop. It turns HTTP requests into the gateway's events and calls the very handlers
// that run on Lambda, the authorizer in front of every route that is not public.
package dev

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/edgeauth/edgeauth/internal/loopback"
	"github.com/edgeauth/edgeauth/pkg/auth/gateway"
)

// API is an HTTP API with its routes, their functions and one authorizer. Its own answers are those of the real one.
type API struct {
	Routes []Route
	// Authorizer answers REQUEST authorizer events with payload format 2.0 and simple responses.
	Authorizer interface {
		Invoke(ctx context.Context, event []byte) ([]byte, error)
	}
	// Upstream answers every path that is no route, behind the authorizer; nil answers 404.
	Upstream *Upstream
	Now      func() time.Time
}

// Route is one route and the function behind it.
type Route struct {
	Method, Path string
	Public       bool // no authorizer in front
	Function     gateway.Function
}

func (r Route) key() string { return r.Method + " " + r.Path }

// ServeHTTP implements http.Handler.
func (a *API) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !isLocal(r.Host) {
		refuse(w, http.StatusMisdirectedRequest, "Misdirected Request")
		return
	}
	route, found := a.find(r)
	if !found && a.Upstream == nil {
		refuse(w, http.StatusNotFound, "Not Found")
		return
	}
	origin := gateway.Origin{RequestID: newRequestID(), Time: a.Now()}
	if found {
		origin.RouteKey = route.key()
	}
	if !route.Public {
		var ok bool
		if origin.Authorizer, ok = a.authorize(w, r, origin); !ok {
			return
		}
	}
	if !found {
		a.Upstream.serve(w, r, origin.Authorizer)
		return
	}
	a.call(w, r, route, origin)
}

// isLocal tells whether a request was meant for this machine. A page of a stranger whose host name was made to point
// here (DNS rebinding) sends its own name, and would otherwise read the answers.
func isLocal(host string) bool {
	name, _, err := net.SplitHostPort(host)
	if err != nil {
		name = strings.Trim(host, "[]")
	}
	return loopback.IsHost(name)
}

// find returns the route of a request. A known path with another method is its function's business, whose handler
// answers which methods it knows.
func (a *API) find(r *http.Request) (route Route, found bool) {
	for _, candidate := range a.Routes {
		if candidate.Path != r.URL.Path {
			continue
		}
		if candidate.Method == r.Method {
			return candidate, true
		}
		if !found {
			route, found = candidate, true
		}
	}
	return route, found
}

// authorize asks the authorizer, and answers for the gateway where it says no.
func (a *API) authorize(w http.ResponseWriter, r *http.Request, o gateway.Origin) (context map[string]string, ok bool) {
	event, err := gateway.AuthorizerEventOf(r, o)
	if errors.Is(err, gateway.ErrNoIdentity) {
		// The real gateway does not call the authorizer either.
		refuse(w, http.StatusUnauthorized, "Unauthorized")
		return nil, false
	}
	if err != nil {
		refuse(w, http.StatusBadRequest, "Bad Request")
		return nil, false
	}
	raw, err := a.Authorizer.Invoke(r.Context(), event)
	var answer struct {
		IsAuthorized bool              `json:"isAuthorized"`
		Context      map[string]string `json:"context"`
	}
	if err != nil || json.Unmarshal(raw, &answer) != nil {
		refuse(w, http.StatusInternalServerError, "Internal Server Error")
		return nil, false
	}
	if !answer.IsAuthorized {
		refuse(w, http.StatusForbidden, "Forbidden")
		return nil, false
	}
	return answer.Context, true
}

func (a *API) call(w http.ResponseWriter, r *http.Request, route Route, o gateway.Origin) {
	event, err := gateway.EventOf(r, o)
	switch {
	case errors.Is(err, gateway.ErrBodyTooLarge):
		refuse(w, http.StatusRequestEntityTooLarge, "Request Entity Too Large")
		return
	case err != nil:
		refuse(w, http.StatusBadRequest, "Bad Request")
		return
	}
	event.Cookies = toFunction(event.Cookies)
	answer, err := route.Function(r.Context(), event)
	if err != nil {
		refuse(w, http.StatusInternalServerError, "Internal Server Error")
		return
	}
	if err := gateway.WriteAnswer(w, toBrowser(answer)); errors.Is(err, gateway.ErrMalformedAnswer) {
		refuse(w, http.StatusInternalServerError, "Internal Server Error")
	}
}

// refuse answers in the gateway's own words.
func refuse(w http.ResponseWriter, status int, message string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, `{"message":"`+message+`"}`)
}

func newRequestID() string {
	var b [11]byte
	_, _ = rand.Read(b[:]) // never fails (crypto/rand)
	return base64.StdEncoding.EncodeToString(b[:])
}
