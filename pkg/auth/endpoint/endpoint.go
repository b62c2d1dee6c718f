// Package endpoint speaks the HTTP contract: one file per endpoint, and for every function one http.Handler that answers
// its rows of route.Table, so that a Lambda function, the local server and a container serve the very same ones. Package
// gateway stands in front of them on Lambda.
//
// Input is taken strictly: bodies of at most 8 KB, one reading of each, parameters by their exact names and once. Unknown
// parameters are ignored (RFC 6749, section 3.2), and so is the query string: secrets do not belong into addresses.
// Answers are JSON and, but for the public keys and metadata, never stored by a cache. No answer is a redirect.
package endpoint
