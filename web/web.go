// Package web holds the files of the browser client, for servers that hand them out.
//
//	http.Handle("GET /edgeauth.js", http.FileServerFS(web.Files))
//
// The folder is the npm package @edgeauth/browser too.
package web

import "embed"

// Files are edgeauth.js, an ES module without dependencies, and edgeauth.d.ts, its TypeScript
// declarations.
//
//go:embed edgeauth.js edgeauth.d.ts
var Files embed.FS
