package endpoint

import (
	"encoding/json"
	"errors"
	"io"
	"maps"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/edgeauth/edgeauth/internal/answer"
	"github.com/edgeauth/edgeauth/internal/errorcode"
	"github.com/edgeauth/edgeauth/internal/strictjson"
)

// maxBodyBytes bounds a body before it is parsed.
const maxBodyBytes = 8 << 10

// input holds the parameters of one request, from a JSON object or a form.
type input struct {
	object map[string]json.RawMessage
	form   map[string]string
}

// text returns a string parameter, or "" if it is absent. A form parameter without a value counts
// as absent (RFC 6749, section 3.2). null counts as absent too, because browsers' storage returns
// null for a missing item.
func (in input) text(name string) (string, error) {
	raw, ok := in.object[name]
	if !ok || string(raw) == "null" {
		return in.form[name], nil
	}
	text, err := strictjson.String(raw)
	if err != nil {
		return "", invalidRequest("%s must be a string", name)
	}
	return text, nil
}

// texts sets each target to the parameter of its name. If several parameters are invalid, the error
// names the alphabetically first, so that the answer to a request is always the same.
func (in input) texts(targets map[string]*string) (err error) {
	for _, name := range slices.Sorted(maps.Keys(targets)) {
		if *targets[name], err = in.text(name); err != nil {
			return err
		}
	}
	return nil
}

const (
	jsonType = answer.JSONType
	formType = "application/x-www-form-urlencoded"
)

// read returns the parameters in the body of r, which must have one of the types.
func read(r *http.Request, types ...string) (input, error) {
	// Check the length first: the type of a body of 10 MB does not matter.
	body, err := io.ReadAll(io.LimitReader(r.Body, maxBodyBytes+1))
	if err != nil {
		return input{}, invalidRequest("the body cannot be read")
	}
	if len(body) > maxBodyBytes {
		return input{}, &problem{status: http.StatusRequestEntityTooLarge, code: errorcode.RequestTooLarge,
			description: "the body must have at most 8192 bytes"}
	}
	given, err := mediaType(r.Header.Get("Content-Type"))
	for _, accepted := range types {
		if err != nil || given != accepted {
			continue
		}
		if accepted == jsonType {
			return readJSON(body)
		}
		return readForm(body)
	}
	return input{}, &problem{status: http.StatusUnsupportedMediaType, code: errorcode.UnsupportedMediaType,
		description: "Content-Type must be " + strings.Join(types, " or ")}
}

// mediaType returns the media type of a Content-Type. The charset, if given, must be UTF-8, because
// the body would mean something else in another charset.
func mediaType(header string) (string, error) {
	given, params, err := mime.ParseMediaType(header)
	if err != nil {
		return "", err
	}
	if charset, ok := params["charset"]; ok && !strings.EqualFold(charset, "utf-8") {
		return "", errors.New("charset must be utf-8")
	}
	return given, nil
}

func readJSON(body []byte) (input, error) {
	object, err := strictjson.Object(body)
	if err != nil {
		return input{}, invalidRequest("the body must be one JSON object: %v", err)
	}
	return input{object: object}, nil
}

func readForm(body []byte) (input, error) {
	values, err := url.ParseQuery(string(body))
	if err != nil {
		return input{}, invalidRequest("the body must be a form")
	}
	in := input{form: make(map[string]string, len(values))}
	for name, list := range values {
		// RFC 6749, section 3.2: "Request and response parameters MUST NOT be included more than
		// once."
		if len(list) != 1 {
			return input{}, invalidRequest("a parameter must not be included more than once")
		}
		if !utf8.ValidString(name) || !utf8.ValidString(list[0]) {
			return input{}, invalidRequest("the body must be UTF-8")
		}
		in.form[name] = list[0]
	}
	return in, nil
}
