package frameworks_test

import (
	"fmt"
	"strings"
)

// attempts returns requests with which a user without the role may try to reach a closed handler.
// AUTHORITY in a target is the host and port of the server.
func attempts() (all []attempt) {
	for _, path := range []string{"/admin", "/admin/x", "/reports", "/users/5", "/users/x/"} {
		for _, spelled := range spellings(path) {
			all = append(all, attempt{"GET", spelled, ""})
		}
		for _, method := range []string{
			"HEAD", "get", "Get", "gET", "OPTIONS", "TRACE", "PROPFIND", "SEARCH", "QUERY", "M-SEARCH", "LINK", "GET\t", "GET ", " GET", "XGET", "GETX",
		} {
			all = append(all, attempt{method, path, ""}, attempt{method, strings.ToUpper(path), ""}, attempt{method, path + "/", ""})
		}
		for _, header := range []string{
			"X-Original-URL: " + path, "X-Rewrite-URL: " + path, "X-Override-URL: " + path, "X-Original-URI: " + path,
			"X-Forwarded-URI: " + path, "X-Forwarded-Path: " + path, "X-Forwarded-Prefix: " + path, "X-Envoy-Original-Path: " + path,
			"X-Invoke-Path: " + path, "Destination: " + path, "Referer: " + path, ":path: " + path,
		} {
			all = append(all, attempt{"GET", "/open", header})
		}
		for _, header := range overrides("GET") {
			all = append(all, attempt{"POST", path, header}, attempt{"OPTIONS", path, header}, attempt{"HEAD", path, header})
		}
	}
	for _, method := range []string{"POST", "GET", "PUT", "delete", "Delete", "DELETE ", "XDELETE"} {
		all = append(all, attempt{method, "/files/a", ""})
		for _, header := range overrides("DELETE") {
			all = append(all, attempt{method, "/files/a", header})
		}
	}
	for _, spelled := range spellings("/files/a") {
		all = append(all, attempt{"DELETE", spelled, ""})
	}
	return all
}

// overrides are the headers by which frameworks let a client choose another method.
func overrides(method string) []string {
	return []string{
		"X-HTTP-Method-Override: " + method, "X-HTTP-Method: " + method, "X-Method-Override: " + method,
		"x-http-method-override: " + strings.ToLower(method), "X-HTTP-Method-Override: PATCH, " + method,
		"X-HTTP-Method-Override: PATCH\r\nX-HTTP-Method-Override: " + method,
		"X-HTTP-Method-Override: " + method + "\r\nX-HTTP-Method-Override: PATCH",
	}
}

// spellings returns the ways to write a path that some server, proxy or framework is known to read
// as the path itself.
func spellings(path string) (all []string) {
	segment, rest, _ := strings.Cut(path[1:], "/")
	if rest != "" {
		rest = "/" + rest
	}
	add := func(targets ...string) { all = append(all, targets...) }
	whole := "/" + segment + rest

	// The path itself, in another case, and with more slashes.
	upper, title := strings.ToUpper(segment), strings.ToUpper(segment[:1])+segment[1:]
	mixed := segment[:len(segment)-1] + strings.ToUpper(segment[len(segment)-1:])
	add(whole, "/"+upper+rest, "/"+title+rest, "/"+mixed+rest, "/"+upper+strings.ToUpper(rest), "/"+upper+rest+"/")
	add(whole+"/", whole+"//", "/"+whole, "//"+whole, "/"+segment+"/"+rest, "/"+segment+"//"+rest, segment+rest)

	// Dot segments, also with escapes and path parameters.
	for _, here := range []string{
		"/.", "/./.", "/%2e", "/%2E", "/.;", "/;", "/;x=1", "/..;", "/.%00", "/x/..", "/open/..", "/open/%2e%2e", "/open/%2E.", "/open/.%2e",
		"/open/..;", "/open/..;x=1", "/open;/..", "/open/%2e%2e;", "/open/..%3b", "/open/...", "/open/x/../..", "/open//..", "/open/./..", "/open/..%00", "/..", "/../..",
		"/open/%252e%252e", "/open/%c0%ae%c0%ae", "/open/%uff0e%uff0e", `/open\..`, "/open/..%09", "/open/..%20", "/users/me/../..", "/users/me;/../..",
	} {
		add(here+whole, here+"/"+upper+rest)
	}
	for _, slash := range []string{"%2f", "%2F", "%252f", "%5c", "%5C", `\`, "%c0%af", "%ef%bc%8f", "%e2%81%84", "%u002f", "//", `/\`, `\/`, "/%2f", "%2f/"} {
		add(slash+segment+rest, "/"+segment+strings.ReplaceAll(rest, "/", slash), "/open"+slash+".."+slash+segment+rest,
			"/open/.."+slash+segment+rest, whole+slash)
	}
	add(whole+"/.", whole+"/./", whole+"/..", whole+"/x/..", whole+"/x/../", whole+"/%2e", whole+"/%2e%2e", whole+"/..;/", whole+"/.;/", whole+"/..%2f", whole+"/x/..;/")

	// Path parameters.
	for _, parameter := range []string{";", ";x", ";x=1", ";x=1;y=2", ";/", ";.css", ";a=/../open", "%3b", "%3Bx=1", ";%2f", ";jsessionid=1", ";x=1,y"} {
		add("/"+segment+parameter+rest, whole+parameter, "/"+upper+parameter+rest)
	}

	// Escapes of letters.
	escaped, twice := "", ""
	for _, c := range []byte(segment) {
		escaped += fmt.Sprintf("%%%02x", c)
		twice += fmt.Sprintf("%%25%02x", c)
	}
	first, upperFirst := fmt.Sprintf("%%%02x", segment[0]), fmt.Sprintf("%%%02x", segment[0]-'a'+'A')
	add("/"+escaped+rest, "/"+twice+rest, "/"+first+segment[1:]+rest, "/%25"+first[1:]+segment[1:]+rest, "/"+upperFirst+segment[1:]+rest,
		"/"+fmt.Sprintf("%%u%04x", segment[0])+segment[1:]+rest, "/"+fmt.Sprintf("%%%02X", segment[0])+segment[1:]+rest)

	// Bytes that some readers drop, or at which they cut.
	for _, odd := range []string{
		"%00", "%01", "%09", "%0a", "%0d", "%0d%0a", "%20", "%20%20", "+", "%23", "%3f", "%26", "%22", "%27", "%60", "%7f", "%a0", "%85", "%ff", "%ad", "%c2%a0", "%c2%ad", "%e2%80%8b",
		"%e2%80%8e", "%ef%bb%bf", "%cc%81", "%e3%80%80", "~", "*", "$", "!", "'", "(", ")", ",", ":", "@", "=", "&", ".", "..", "...", "|", "^", "`", "{}", "[]", "%", "%zz", "%2", "#", "#x", "?", "??", "?x", "?/..", "?;", "&x=1",
		".json", ".html", ".css", ".php", ".do", "..json", "%2ejson", ".JSON", "\xff", "\xc2\xa0", "\u200b", "\t", "\x00", "\x0b",
	} {
		add("/"+segment+odd+rest, whole+odd, "/"+odd+segment+rest, whole+"/"+odd)
	}

	// Letters that become the letters of the path in another case or normal form.
	for from, to := range map[string][]string{
		"i": {"\u0131", "\u0130", "i\u0307", "\u2170", "\uff49"}, "s": {"\u017f", "\u1e9b", "\uff53"}, "a": {"\u1d43", "\uff41", "\u00aa"}, "d": {"\u217e", "\uff44"}, "r": {"\u1d63", "\uff52"},
		"f": {"\uff46"}, "e": {"\uff45", "\u212f"},
	} {
		for _, letter := range to {
			if changed := strings.Replace(whole, from, letter, 1); changed != whole {
				add(changed, strings.Replace(whole, from, escape(letter), 1))
			}
		}
	}

	// A path that looks like a query string or a fragment, and a query string or fragment that some
	// readers treat as a path.
	add("/open?/.."+whole, "/open%3f/.."+whole, "/open%3F/../.."+whole, "/open#/.."+whole, "/open%23/.."+whole, "/open?x=1&/.."+whole, "?"+whole, "#"+whole, "/?"+whole,
		"/open;"+whole, "/open;x=/.."+whole, "/open,"+whole, "/open%20"+whole, "/open&"+whole, "/open%0a"+whole, "/open%0d%0a"+whole, "/open%00"+whole, "/*/.."+whole)

	// The absolute form and its relatives.
	for _, prefix := range []string{
		"http://AUTHORITY", "HTTP://AUTHORITY", "https://AUTHORITY", "http://AUTHORITY/", "http://AUTHORITY/.", "http://AUTHORITY/open/..", "http://user@AUTHORITY", "http://user:x@AUTHORITY",
		"//AUTHORITY", "///AUTHORITY", "http:/AUTHORITY", "http:", "http:/", "http:///", "AUTHORITY", "//x", "/http://AUTHORITY", "http://AUTHORITY;x", "http://AUTHORITY?", "http://AUTHORITY#",
		`http:\\AUTHORITY`, "ftp://AUTHORITY", "file://", "javascript:", "http://AUTHORITY%2f", "http://AUTHORITY/%2e", "*",
	} {
		add(prefix + whole)
	}
	add("http://AUTHORITY/"+upper+rest, "http://AUTHORITY/"+escaped+rest, "http://AUTHORITY/open?/.."+whole, "http://AUTHORITY?"+whole)
	return all
}

func escape(s string) (escaped string) {
	for _, c := range []byte(s) {
		escaped += fmt.Sprintf("%%%02X", c)
	}
	return escaped
}
