// Package chartlock fetches the packaged charts of a recipe and pins them by
// digest: the step `vendor`.
//
//	recipe ─ repository index or manifest ─→ digest ─ content store, cache, network ─→ BundleLock
//
// An archive is fetched once: after that it is found by its digest in the
// step's content store or in the user's cache directory. What is fetched is a
// gzipped tar of the chart that was asked for, with the digest that the
// repository states and, with a lock, the one that it pins.
package chartlock
