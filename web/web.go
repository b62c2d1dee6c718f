// Package web is the browser client of edgeauth, in the bytes that a server hands out.
//
//	w.Header().Set("Content-Type", "text/javascript; charset=utf-8")
//	_, _ = w.Write(web.Client)
//
// The folder is the npm package @edgeauth/browser too.
package web

import _ "embed"

// Client is edgeauth.js, an ES module without dependencies. It must not be changed.
//
//go:embed edgeauth.js
var Client []byte

// Types is edgeauth.d.ts, the TypeScript declarations of Client. It must not be changed.
//
//go:embed edgeauth.d.ts
var Types []byte
