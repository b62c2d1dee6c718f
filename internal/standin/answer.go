package standin

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"strings"

	"github.com/aws/aws-lambda-go/events"
)

// WriteAnswer writes a function's answer to w as the gateway does. If the gateway would not accept
// the answer, WriteAnswer writes nothing and returns [ErrMalformedAnswer].
func WriteAnswer(w http.ResponseWriter, a events.APIGatewayV2HTTPResponse) error {
	if a.StatusCode < 200 || a.StatusCode > 599 {
		return fmt.Errorf("%w: status %d", ErrMalformedAnswer, a.StatusCode)
	}
	body := []byte(a.Body)
	if a.IsBase64Encoded {
		var err error
		if body, err = base64.StdEncoding.DecodeString(a.Body); err != nil {
			return fmt.Errorf("%w: the body is not base64", ErrMalformedAnswer)
		}
	}
	for name, value := range a.Headers {
		if !strings.EqualFold(name, "Content-Length") { // the server sets it
			w.Header().Set(name, value)
		}
	}
	for _, cookie := range a.Cookies {
		w.Header().Add("Set-Cookie", cookie)
	}
	w.WriteHeader(a.StatusCode)
	if len(body) == 0 {
		return nil
	}
	_, err := w.Write(body)
	return err
}
