// Package content reads and writes documents and blobs by digest, over any store
// or cache, and checks what it reads against its digest.
//
// Whoever copies content trusts nothing about the other side: a blob must have the
// digest and the size that it is named by, and what one result may consist of is
// bounded by engine.MaxContent. Content comes before the entry that names it, wherever
// it is copied to.
package content
