// Package own uses edgeauth like a program of another module: only with exported names. Its module
// path is outside edgeauth's, so the compiler refuses every internal package. Its tests show what
// such a program can do:
//
//   - verify access tokens in a service of its own, with keys that it reads by URL;
//   - guard its routes with the middleware alone;
//   - serve edgeauth's endpoints, and open sessions by a login of its own;
//   - ask for a second factor in the real login function.
package own
