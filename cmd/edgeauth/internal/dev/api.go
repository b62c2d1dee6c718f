// Package dev runs edgeauth on a laptop: an HTTP server that stands in for API Gateway. It turns
// HTTP requests into API Gateway events and calls the handlers that run on Lambda. The authorizer
// runs in front of every route that is not public.
//
//	err := dev.Run(ctx, dev.Options{Addr: "127.0.0.1:8080", Home: ".edgeauth", ...})
package dev

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/edgeauth/edgeauth/internal/route"
	"github.com/edgeauth/edgeauth/internal/router"
	"github.com/edgeauth/edgeauth/internal/standin"
)

// API is an HTTP API with its routes, functions and authorizers. Its error answers are those of API
// Gateway.
type API struct {
	Routes *router.Matcher
	// Functions maps the function names in Routes to functions.
	Functions  map[string]standin.Function
	Authorizer Authorizer
	// SessionAuthorizer is in front of the routes that Guards checks, in place of Authorizer.
	SessionAuthorizer Authorizer
	// Identity is the identity source, a header in lower case: without it the gateway answers 401
	// and calls no authorizer. If Identity is empty, the gateway calls the authorizer for every
	// request.
	Identity string
	Guards   Guards
	CORS     CORS
	// Origins are the origins whose pages may send cookies, besides the server's own.
	Origins []string
	Hosts   Hosts
	// Upstream serves every path without a route, behind the authorizer unless Guards says
	// otherwise. If it is nil, those paths get 404.
	Upstream *Upstream
	// Pages are served without a token at paths without a route. It may be nil.
	Pages *Pages
	Inbox Inbox
	Now   func() time.Time
}

// Authorizer answers REQUEST authorizer events with payload format 2.0 and simple responses.
type Authorizer interface {
	Invoke(ctx context.Context, event []byte) ([]byte, error)
}

// requestIDHeader is the header in which an HTTP API returns the id of a request to the client. The
// audit lines of the authorizer and of the function have the same id.
const requestIDHeader = "Apigw-Requestid"

// ServeHTTP implements http.Handler.
func (a *API) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	origin := standin.Origin{RequestID: newRequestID(), Time: a.Now()}
	w.Header().Set(requestIDHeader, origin.RequestID)
	if !a.Hosts.has(r) {
		refuse(w, http.StatusMisdirectedRequest, "Misdirected Request: name the host with --host")
		return
	}
	listed := a.CORS.mark(w.Header(), r)
	// A request-target such as "x:http://host/path" has no path that an authorizer could judge, and
	// net/http would send what follows the colon to the upstream.
	if !strings.HasPrefix(r.URL.Path, "/") {
		refuse(w, http.StatusBadRequest, "Bad Request")
		return
	}
	if a.Inbox.is(r) {
		a.Inbox.serve(w, r)
		return
	}
	row, found := a.Routes.Find(r)
	if f, is := a.Pages.find(r); is && !found {
		f.serve(w, r)
		return
	}
	upstream := !found && a.Upstream != nil
	// A gateway with CORS and without a route for OPTIONS answers OPTIONS itself, preflight or not.
	if a.CORS.on() && (isPreflight(r) || r.Method == http.MethodOptions && !upstream) {
		a.CORS.preflight(w, r, listed, upstream)
		return
	}
	if !found && !upstream {
		refuse(w, http.StatusNotFound, "Not Found")
		return
	}
	if found {
		origin.RouteKey = row.Pattern
	}
	measureRequest(w, r)
	r = fromBrowser(r)
	guard := a.Guards.of(r)
	public := row.Guard == route.None || upstream && guard == byNothing
	if !public && upstream && foreignHandshake(r, a.Origins) {
		refuse(w, http.StatusForbidden, "Forbidden")
		return
	}
	if !public {
		var ok bool
		if origin.Authorizer, ok = a.authorize(w, r, origin, guard); !ok {
			return
		}
	}
	if upstream {
		a.Upstream.serve(w, r, forwarded{in: r, identity: origin.Authorizer, cors: a.CORS.on()})
		return
	}
	a.call(w, r, a.Functions[row.Function], origin)
}

// authorize calls the authorizer. If the request is refused, it writes the gateway's answer and
// returns false.
func (a *API) authorize(w http.ResponseWriter, r *http.Request, o standin.Origin, by guard) (context map[string]string, ok bool) {
	event, err := standin.AuthorizerEventOf(forAuthorizer(r), o, a.Identity)
	if errors.Is(err, standin.ErrNoIdentity) {
		// The real gateway does not call the authorizer either.
		refuse(w, http.StatusUnauthorized, "Unauthorized")
		return nil, false
	}
	if err != nil {
		refuse(w, http.StatusBadRequest, "Bad Request")
		return nil, false
	}
	authorizer := a.Authorizer
	if by == bySession {
		authorizer = a.SessionAuthorizer
	}
	raw, err := authorizer.Invoke(r.Context(), event)
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

func (a *API) call(w http.ResponseWriter, r *http.Request, f standin.Function, o standin.Origin) {
	event, err := standin.EventOf(r, o)
	switch {
	case errors.Is(err, standin.ErrBodyTooLarge):
		refuse(w, http.StatusRequestEntityTooLarge, "Request Entity Too Large")
		return
	case err != nil:
		refuse(w, http.StatusBadRequest, "Bad Request")
		return
	}
	answer, err := f(r.Context(), event)
	if err != nil {
		refuse(w, http.StatusInternalServerError, "Internal Server Error")
		return
	}
	answer.Cookies = toBrowser(r, answer.Cookies)
	measureAnswer(w, r, answer.Cookies)
	if err := standin.WriteAnswer(w, answer); errors.Is(err, standin.ErrMalformedAnswer) {
		refuse(w, http.StatusInternalServerError, "Internal Server Error")
	}
}

// refuse writes an error answer of API Gateway.
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
