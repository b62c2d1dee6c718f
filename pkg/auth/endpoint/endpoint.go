// Package endpoint is the HTTP contract: one file for each endpoint, and one http.Handler for each
// function, which answers the paths of the function. A Lambda function, the local server and a
// container serve the same handlers. On Lambda, package gateway stands in front of them.
//
// Input is read strictly. A body has at most 8 KB, and a parameter counts only under its exact name
// and only once. Unknown parameters are ignored (RFC 6749, section 3.2). The query string is ignored
// too, because secrets do not belong into addresses. Answers are JSON and forbid caches to store
// them, except for the public keys and the metadata. No answer is a redirect.
package endpoint
