package standin

import (
	"io"
	"mime"
	"net"
	"net/http"
	"net/url"
	"strings"
	"unicode/utf8"

	"github.com/aws/aws-lambda-go/events"
)

func readBody(r *http.Request) ([]byte, error) {
	if r.Body == nil {
		return nil, nil
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, MaxBodyBytes+1))
	if err == nil && len(body) > MaxBodyBytes {
		err = ErrBodyTooLarge
	}
	return body, err
}

// isText reports whether the gateway passes a body as text. AWS documents no list. In practice, the
// gateway encodes a form and a body without a content type in base64, and also text that a JSON
// string cannot hold.
func isText(contentType string, body []byte) bool {
	kind, _, err := mime.ParseMediaType(contentType)
	if err != nil || !utf8.Valid(body) {
		return false
	}
	switch kind {
	case "application/json", "application/javascript", "application/xml":
		return true
	}
	return strings.HasPrefix(kind, "text/")
}

// localHeaders returns r's headers as the gateway sends them: names in lower case, duplicates
// joined by commas, no cookies, and the gateway's own headers about the origin of the request.
func localHeaders(r *http.Request, sourceIP string) map[string]string {
	h := make(map[string]string, len(r.Header)+4)
	for name, values := range r.Header {
		h[strings.ToLower(name)] = strings.Join(values, ",")
	}
	delete(h, "cookie")
	h["host"] = r.Host
	h["x-forwarded-proto"] = "http"
	if r.TLS != nil {
		h["x-forwarded-proto"] = "https"
	}
	if _, port, err := net.SplitHostPort(r.Host); err == nil {
		h["x-forwarded-port"] = port
	}
	h["x-forwarded-for"] = strings.TrimPrefix(h["x-forwarded-for"]+", "+sourceIP, ", ")
	return h
}

func cookiesOf(r *http.Request) []string {
	var cookies []string
	for _, line := range r.Header.Values("Cookie") {
		for cookie := range strings.SplitSeq(line, ";") {
			if cookie = strings.TrimSpace(cookie); cookie != "" {
				cookies = append(cookies, cookie)
			}
		}
	}
	return cookies
}

func joined(query url.Values) map[string]string {
	if len(query) == 0 {
		return nil
	}
	m := make(map[string]string, len(query))
	for name, values := range query {
		m[name] = strings.Join(values, ",")
	}
	return m
}

func localContext(r *http.Request, o Origin, sourceIP string) events.APIGatewayV2HTTPRequestContext {
	domain := r.Host
	if host, _, err := net.SplitHostPort(r.Host); err == nil {
		domain = host
	}
	prefix, _, _ := strings.Cut(domain, ".")
	c := events.APIGatewayV2HTTPRequestContext{
		AccountID:    localAccount,
		APIID:        localAPI,
		Stage:        defaultStage,
		RequestID:    o.RequestID,
		DomainName:   domain,
		DomainPrefix: prefix,
		Time:         o.Time.UTC().Format("02/Jan/2006:15:04:05 -0700"),
		TimeEpoch:    o.Time.UnixMilli(),
		HTTP: events.APIGatewayV2HTTPRequestContextHTTPDescription{
			Method:    r.Method,
			Path:      r.URL.Path,
			Protocol:  r.Proto,
			SourceIP:  sourceIP,
			UserAgent: r.UserAgent(),
		},
	}
	if o.Authorizer != nil {
		lambda := make(map[string]any, len(o.Authorizer))
		for key, value := range o.Authorizer {
			lambda[key] = value
		}
		c.Authorizer = &events.APIGatewayV2HTTPRequestContextAuthorizerDescription{Lambda: lambda}
	}
	return c
}
