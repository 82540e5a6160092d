// Package proxy is the command "authtrip proxy": a local reverse proxy that puts
// a registration's token on what programs in any language send through it.
//
// Whoever reaches the proxy acts with the token. So it listens on loopback, and
// web pages that a browser on this machine shows are kept out: see guard.
package proxy
