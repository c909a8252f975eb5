// Package key defines what the cache key of a step covers, and how two keys
// differ. A key is a list of named parts, listed once by Key.write for one of two
// functions: one hashes, one keeps the text. What is explained is therefore what
// was hashed.
//
// A key covers all that a result may depend on and nothing else: the kind with its
// version, canonical parameters, the digests of inputs, and what the kind, files and
// variables of the environment add. It does not cover names, positions, the machine,
// the time, or the version of eidos: these must not change a result. Whoever changes
// what a kind makes of the same inputs raises its version.
//
// Changing what write lists, or how, makes every stored result unfindable.
package key
