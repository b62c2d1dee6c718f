// Package secretsmanager is AWS Secrets Manager for tests: as much of it as keeps rings of keys, over HTTP, with what
// cannot be had from the real one: lost replies, throttling, roles that are too new, reads that are too old.
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

// Server is the service of one account. It is safe for concurrent use; the zero Server has no secrets.
type Server struct {
	mu      sync.Mutex
	secrets map[string]*secret // by ARN
	faults  []*due
	stale   int // reads that are answered with the state before
	calls   map[string]int
}

type secret struct {
	name     string
	versions map[string]string // texts by their ids
	stages   map[string]string // ids by their labels
}

// A Fault answers in the place of the service, or spoils its answer.
type Fault func(w http.ResponseWriter, serve func(http.ResponseWriter))

type due struct {
	operation string
	left      int
	fault     Fault
}

// What the service answers when it does not do what was asked, and what a network does.
var (
	Denied Fault = refusing(http.StatusBadRequest, "AccessDeniedException",
		"User: arn:aws:sts::123456789012:assumed-role/keys is not authorized")
	Throttled     Fault = refusing(http.StatusBadRequest, "ThrottlingException", "Rate exceeded")
	InternalError Fault = refusing(http.StatusInternalServerError, "InternalServiceError", "Try again.")
	// Lost breaks the connection after the work is done.
	Lost Fault = func(_ http.ResponseWriter, serve func(http.ResponseWriter)) {
		serve(httptest.NewRecorder())
		panic(http.ErrAbortHandler)
	}
)

func refusing(status int, code, message string) Fault {
	return func(w http.ResponseWriter, _ func(http.ResponseWriter)) { refuse(w, status, code, message) }
}

// Add makes a secret as CloudFormation does, without a value, and returns its ARN.
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

// Set gives a secret a value from somewhere else.
func (s *Server) Set(arn, text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	found := s.secrets[arn]
	found.put(fmt.Sprintf("by-hand-%032d", len(found.versions)), text, []string{current})
}

// Text returns the current value of a secret, and how many versions there are.
func (s *Server) Text(arn string) (text string, versions int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	found := s.secrets[arn]
	return found.versions[found.stages[current]], len(found.versions)
}

// Fail makes the next n calls of an operation, as in "PutSecretValue", fail; an empty operation is any.
func (s *Server) Fail(operation string, n int, f Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = append(s.faults, &due{operation, n, f})
}

// Heal forgets what is due to fail.
func (s *Server) Heal() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults, s.stale = nil, 0
}

// Lag makes the next n reads see the state before the current one: the service is consistent in the end.
func (s *Server) Lag(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stale = n
}

// Calls returns how many calls there were of each operation since the last time, and forgets them.
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

// ServeHTTP implements http.Handler: the protocol AWS JSON 1.1.
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

// put moves labels as the service does: the version that was current becomes the previous one.
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
	_ = json.NewEncoder(w).Encode(body) // the client may have gone
}

func refuse(w http.ResponseWriter, status int, code, message string) {
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]string{"__type": code, "Message": message})
}
