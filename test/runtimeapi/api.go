package runtimeapi

import (
	"encoding/json"
	"io"
	"net/http"
	"strconv"
)

// api is the Lambda Runtime API for one process.
func (i *instance) api() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /2018-06-01/runtime/invocation/next", i.next)
	mux.HandleFunc("POST /2018-06-01/runtime/invocation/{id}/response", i.report(func(body []byte) result {
		return result{answer: body}
	}))
	mux.HandleFunc("POST /2018-06-01/runtime/invocation/{id}/error", i.report(func(body []byte) result {
		return result{err: i.errorIn(body)}
	}))
	mux.HandleFunc("POST /2018-06-01/runtime/init/error", func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body) // a part of the reason is better than no reason
		i.failed.Store(i.errorIn(body))
		w.WriteHeader(http.StatusAccepted)
	})
	return mux
}

// next answers when there is an event. A request for the next event also means that the process is
// done with the previous one.
func (i *instance) next(w http.ResponseWriter, r *http.Request) {
	select {
	case <-r.Context().Done():
	case c := <-i.calls:
		i.current.Store(c)
		h := w.Header()
		h.Set("Content-Type", "application/json")
		h.Set("Lambda-Runtime-Aws-Request-Id", c.id)
		h.Set("Lambda-Runtime-Deadline-Ms", strconv.FormatInt(c.deadline.UnixMilli(), 10))
		h.Set("Lambda-Runtime-Invoked-Function-Arn", "arn:aws:lambda:us-east-1:123456789012:function:"+i.name)
		h.Set("Lambda-Runtime-Trace-Id", "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Parent=9a9197af755a6419;Sampled=0")
		_, _ = w.Write(c.event)
	}
}

// report receives the result of the current event. Each event has one report, by its id.
func (i *instance) report(made func(body []byte) result) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return // the process died while it reported
		}
		c := i.current.Load()
		switch {
		case c == nil || c.id != r.PathValue("id") || !i.current.CompareAndSwap(c, nil):
			http.Error(w, `{"errorType":"InvalidRequestID","errorMessage":"no such invocation"}`, http.StatusBadRequest)
		case c.lost:
			i.kill()
		default:
			c.result <- made(body)
			w.WriteHeader(http.StatusAccepted)
		}
	}
}

func (i *instance) errorIn(body []byte) *Error {
	var e struct{ ErrorType, ErrorMessage string }
	if err := json.Unmarshal(body, &e); err != nil {
		e.ErrorType, e.ErrorMessage = "Runtime.Unknown", string(body)
	}
	return &Error{e.ErrorType, e.ErrorMessage, i.log.String()}
}
