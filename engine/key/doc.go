// Package key defines what the cache key of a step covers, and how two keys
// differ. A key is a list of named parts, listed once by Key.write for one of two
// functions: one hashes, one keeps the text. What is explained is therefore what
// was hashed.
package key
