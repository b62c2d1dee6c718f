// Package secretsmanager is an AWS Secrets Manager for tests, over HTTP: the operations that key
// rings need, and failures that the real service does not produce on demand: lost replies,
// throttling, roles that are not yet in effect, stale reads.
//
//	var service secretsmanager.Server
//	arn := service.Add("signing-keys")
//	server := httptest.NewServer(&service)
//	service.Fail("PutSecretValue", 1, secretsmanager.Lost)
package secretsmanager

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
)

// Server is the service of one account. It is safe for concurrent use. The zero Server has no
// secrets.
type Server struct {
	mu      sync.Mutex
	secrets map[string]*secret // by ARN
	faults  []*due
	stale   int // how many reads get the previous state
	calls   map[string]int
}

type secret struct {
	name     string
	versions map[string]string // texts by their ids
	stages   map[string]string // ids by their labels
}

// A Fault answers a request instead of the service, or changes the service's answer.
type Fault func(w http.ResponseWriter, serve func(http.ResponseWriter))

type due struct {
	operation string
	left      int
	fault     Fault
}

// The errors with which the service refuses a request, and a failure of the network.
var (
	Denied Fault = refusing(http.StatusBadRequest, "AccessDeniedException",
		"User: arn:aws:sts::123456789012:assumed-role/keys is not authorized")
	Throttled     Fault = refusing(http.StatusBadRequest, "ThrottlingException", "Rate exceeded")
	InternalError Fault = refusing(http.StatusInternalServerError, "InternalServiceError", "Try again.")
	// Lost breaks the connection after the service has done its work.
	Lost Fault = func(_ http.ResponseWriter, serve func(http.ResponseWriter)) {
		serve(httptest.NewRecorder())
		panic(http.ErrAbortHandler)
	}
)

func refusing(status int, code, message string) Fault {
	return func(w http.ResponseWriter, _ func(http.ResponseWriter)) { refuse(w, status, code, message) }
}

// Add creates a secret without a value, as CloudFormation does, and returns its ARN.
func (s *Server) Add(name string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.secrets == nil {
		s.secrets = map[string]*secret{}
	}
	arn := fmt.Sprintf("arn:aws:secretsmanager:eu-central-1:123456789012:secret:%s-%06d", name, len(s.secrets))
	s.secrets[arn] = &secret{name: name, versions: map[string]string{}, stages: map[string]string{}}
	return arn
}

// Set gives a secret a value, as another program would.
func (s *Server) Set(arn, text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	found := s.secrets[arn]
	found.put(fmt.Sprintf("by-hand-%032d", len(found.versions)), text, []string{current})
}

// Text returns the current value of a secret and the number of its versions.
func (s *Server) Text(arn string) (text string, versions int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	found := s.secrets[arn]
	return found.versions[found.stages[current]], len(found.versions)
}

// Fail makes the next n calls of an operation fail, for example "PutSecretValue". An empty
// operation means any.
func (s *Server) Fail(operation string, n int, f Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = append(s.faults, &due{operation, n, f})
}

// Heal removes all pending faults and stale reads.
func (s *Server) Heal() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults, s.stale = nil, 0
}

// Lag makes the next n reads return the state before the current one: the service is eventually
// consistent.
func (s *Server) Lag(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stale = n
}

// Calls returns the number of calls of each operation since the last call of Calls.
func (s *Server) Calls() map[string]int {
	s.mu.Lock()
	defer s.mu.Unlock()
	calls := s.calls
	s.calls = nil
	return calls
}

const (
	current  = "AWSCURRENT"
	previous = "AWSPREVIOUS"
)

// ServeHTTP implements http.Handler with the protocol AWS JSON 1.1.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	service, operation, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	var in input
	switch {
	case service != "secretsmanager" || r.Header.Get("Content-Type") != "application/x-amz-json-1.1":
		refuse(w, http.StatusBadRequest, "UnknownOperationException", "")
		return
	case !strings.Contains(r.Header.Get("Authorization"), "/secretsmanager/aws4_request"):
		refuse(w, http.StatusForbidden, "MissingAuthenticationTokenException", "Missing Authentication Token")
		return
	case json.NewDecoder(r.Body).Decode(&in) != nil:
		refuse(w, http.StatusBadRequest, "SerializationException", "")
		return
	}
	serve := func(w http.ResponseWriter) { s.serve(w, operation, in) }
	if f := s.next(operation); f != nil {
		f(w, serve)
		return
	}
	serve(w)
}

func (s *Server) next(operation string) Fault {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.calls == nil {
		s.calls = map[string]int{}
	}
	s.calls[operation]++
	for _, d := range s.faults {
		if d.left > 0 && (d.operation == "" || d.operation == operation) {
			d.left--
			return d.fault
		}
	}
	return nil
}

type input struct {
	SecretId, VersionId, VersionStage string
	ClientRequestToken, SecretString  string
	VersionStages                     []string
}

func (s *Server) serve(w http.ResponseWriter, operation string, in input) {
	s.mu.Lock()
	defer s.mu.Unlock()
	found := s.secrets[in.SecretId]
	if found == nil {
		refuse(w, http.StatusBadRequest, notFound, "Secrets Manager can't find the specified secret.")
		return
	}
	switch operation {
	case "GetSecretValue":
		s.get(w, found, in)
	case "PutSecretValue":
		s.put(w, found, in)
	case "DescribeSecret":
		labels := map[string][]string{}
		for label, id := range found.stages {
			labels[id] = append(labels[id], label)
		}
		answer(w, map[string]any{"ARN": in.SecretId, "Name": found.name, "VersionIdsToStages": labels})
	default:
		refuse(w, http.StatusBadRequest, "UnknownOperationException", "")
	}
}

const notFound = "ResourceNotFoundException"

func (s *Server) get(w http.ResponseWriter, found *secret, in input) {
	label := in.VersionStage
	if label == "" {
		label = current
	}
	id := in.VersionId
	if id == "" {
		id = found.stages[label]
		if s.stale > 0 && label == current {
			s.stale--
			id = found.stages[previous]
		}
	}
	text, ok := found.versions[id]
	if !ok {
		refuse(w, http.StatusBadRequest, notFound,
			"Secrets Manager can't find the specified secret value for staging label: "+label)
		return
	}
	labels := slices.Sorted(maps.Keys(found.stages))
	labels = slices.DeleteFunc(labels, func(l string) bool { return found.stages[l] != id })
	answer(w, map[string]any{
		"ARN": in.SecretId, "Name": found.name, "VersionId": id, "SecretString": text, "VersionStages": labels,
	})
}

func (s *Server) put(w http.ResponseWriter, found *secret, in input) {
	id := in.ClientRequestToken
	if len(id) < 32 || len(id) > 64 || in.SecretString == "" || len(in.SecretString) > 65536 {
		refuse(w, http.StatusBadRequest, "ValidationException", "ClientRequestToken or SecretString has a wrong length")
		return
	}
	if text, ok := found.versions[id]; ok {
		if text != in.SecretString {
			refuse(w, http.StatusBadRequest, "ResourceExistsException", "You can't modify a version that exists.")
			return
		}
	} else {
		found.put(id, in.SecretString, in.VersionStages)
	}
	answer(w, map[string]any{"ARN": in.SecretId, "Name": found.name, "VersionId": id})
}

// put moves labels as the service does: the current version becomes the previous one.
func (s *secret) put(id, text string, labels []string) {
	s.versions[id] = text
	if len(labels) == 0 {
		labels = []string{current}
	}
	for _, label := range labels {
		if before, ok := s.stages[current]; ok && label == current {
			s.stages[previous] = before
		}
		s.stages[label] = id
	}
}

func answer(w http.ResponseWriter, body any) {
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	_ = json.NewEncoder(w).Encode(body) // fails only if the client has hung up
}

func refuse(w http.ResponseWriter, status int, code, message string) {
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]string{"__type": code, "Message": message})
}
