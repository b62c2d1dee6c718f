package standin_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"time"

	"github.com/edgeauth/edgeauth/internal/standin"
	"github.com/edgeauth/edgeauth/pkg/auth/gateway"
)

// A local server stands in for the gateway: request to event, function, answer to response.
func ExampleEventOf() {
	function := gateway.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = fmt.Fprint(w, r.Method, " ", r.URL.Path, " ", r.Header.Get("X-Request-Id"))
	}))
	local := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		event, err := standin.EventOf(r, standin.Origin{RequestID: "r1", Time: time.Now()})
		if err != nil {
			http.Error(w, "Bad Request", http.StatusBadRequest)
			return
		}
		answer, _ := function(r.Context(), event)
		if err := standin.WriteAnswer(w, answer); err != nil {
			http.Error(w, "Internal Server Error", http.StatusInternalServerError)
		}
	})
	w := httptest.NewRecorder()
	local.ServeHTTP(w, httptest.NewRequest("POST", "/auth/logout", nil))
	fmt.Println(w.Code, w.Body)
	// Output: 200 POST /auth/logout r1
}
