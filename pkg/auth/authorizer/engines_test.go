package authorizer

import (
	"bytes"
	"encoding/json"
	"os"
	"testing"

	"github.com/edgeauth/edgeauth/internal/strictjson"
)

// BenchmarkEngines measures why events have their own scanner. It reads events like [readEvent],
// and with strictjson. strictjson reads one object at a time, so nested objects need a second pass.
// The last benchmark is a single pass that reads no value, the minimum for strictjson.
func BenchmarkEngines(b *testing.B) {
	all, err := parseSources(defaultTokenSources)
	if err != nil {
		b.Fatal(err)
	}
	for _, name := range []string{"http-api", "rest-request"} {
		file, err := os.ReadFile("../../../bench/testdata/" + name + ".json")
		if err != nil {
			b.Fatal(err)
		}
		var compact bytes.Buffer // as a gateway writes it
		if err := json.Compact(&compact, bytes.ReplaceAll(file, []byte("ACCESS_TOKEN"), bytes.Repeat([]byte("x"), 700))); err != nil {
			b.Fatal(err)
		}
		text := compact.Bytes()
		for way, read := range map[string]func() bool{
			"scanner":    func() bool { _, ok := readEvent(text, &all); return ok },
			"strictjson": func() bool { return readStrictly(string(text), "") },
			"one-pass": func() bool {
				r := strictjson.Read(string(text))
				for r.Next() {
				}
				return r.Err() == nil
			},
		} {
			b.Run(name+"/"+way, func(b *testing.B) {
				for b.Loop() {
					if !read() {
						b.Fatal("the event cannot be read")
					}
				}
			})
		}
	}
}

// readStrictly reads the members that readEvent reads.
func readStrictly(text, path string) bool {
	r := strictjson.Read(text)
	for r.Next() {
		switch member := path + r.Name(); member {
		case "requestContext", "requestContext.http", "headers", "multiValueHeaders", "queryStringParameters",
			"multiValueQueryStringParameters":
			if !readStrictly(r.Raw(), member+".") {
				return false
			}
		case "type", "version", "routeArn", "methodArn", "authorizationToken", "httpMethod", "requestContext.requestId",
			"requestContext.apiId", "requestContext.http.method", "headers.authorization", "headers.Authorization":
			_ = r.Text()
		}
	}
	return r.Err() == nil
}
