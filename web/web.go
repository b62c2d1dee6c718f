// Package web holds the files of the browser client, for servers that serve them.
//
//	http.Handle("GET /edgeauth.js", http.FileServerFS(web.Files))
//
// The folder, without the page, is also the npm package @edgeauth/browser.
package web

import (
	"embed"
	"io/fs"
)

// Files are edgeauth.js and edgeauth-account.js, ES modules without dependencies, and their TypeScript
// declarations.
//
//go:embed edgeauth.js edgeauth.d.ts edgeauth-account.js edgeauth-account.d.ts
var Files embed.FS

//go:embed page
var page embed.FS

// Page returns the files of a page on which a developer tries the client. index.html is the page. It
// imports ./edgeauth.js and ./edgeauth-account.js, so a server must serve it beside [Files].
func Page() fs.FS {
	files, err := fs.Sub(page, "page")
	if err != nil {
		panic(err) // the name is valid
	}
	return files
}
