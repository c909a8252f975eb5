// Package content reads and writes documents and blobs by digest, over any store
// or cache, and checks what it reads against its digest.
package content
