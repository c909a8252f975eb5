// Package engine holds what steps, stores, caches and executors agree on: Kind,
// Env, Artifact, Entry, Store, Cache, Task, Event and Decision. A step is a Go
// function from values to a value; values live in a store by the digest of their
// content. Neither this package nor those below it know GPUs, Kubernetes or
// registries.
//
// From the bytes of a file to saved output, each arrow a package:
//
//	pipeline file
//	   │  schema.Parse           YAML, JSON or CUE (expr) with source positions
//	   ▼
//	plan      names resolved, edges typed, matrix rows expanded, parameters bound
//	   │  plan.Compile           compile.go, link.go, matrix.go, expand.go, bind.go
//	   ▼
//	run       schedule → decide → attempt → report
//	   │  loop.go      which node is next: one goroutine owns all states
//	   │  decide.go    run it or reuse its result: a key (package key) per node
//	   │  attempt.go   one try: conditions, late values, the function, its result
//	   │  sharing.go   results of other machines, through an engine.Cache
//	   │  remote.go    the same try on another machine, through engine.Execute
//	   │  output.go    `out`: saved, and saved again when it is not what it was
//	   ▼
//	store     results by content, entries by key, a journal for each run
//	   │
//	   ▼
//	history   runs of the past: list, explain, attest, find what to resume
//
// content reads and writes documents and copies entries between stores; mask
// hides secrets in logs, errors and results; remote runs one task for another
// process and carries tasks and results; process is an executor on top of it.
//
// On kill -9 nothing is repaired: a result is stored before its entry, an entry
// before the event that reports it, and each is one write. The next run finds
// the run unfinished (history.Unfinished) and resumes it (run/resume.go).
//
// Imports go down only: history and run → plan, store → key, content, mask →
// engine → schema; run and store do not import each other.
package engine
