// Package engine holds what steps, stores, caches and executors agree on: Kind,
// Env, Artifact, Entry, Store, Cache, Task, Event and Decision. A step is a Go
// function from values to a value; values live in a store by the digest of their
// content. Neither this package nor those below it know GPUs, Kubernetes or
// registries.
//
// A Step is written in a file; a Node is in the plan: a step, a row of its matrix,
// or a document that is loaded. An attempt is one try of a node, and a Task an
// attempt that is sent to another process or machine.
//
// From the bytes of a file to saved output, each arrow a package:
//
//	pipeline file
//	   │  schema.Parse           YAML, JSON or CUE (expr) with source positions
//	   ▼
//	plan      names resolved, edges typed, matrix rows expanded, parameters bound
//	   │  plan.Compile           compile.go, link.go, matrix.go, expand.go, bind.go;
//	   │                         late.go for rows and values known only when running
//	   ▼
//	run       schedule → decide → attempt → report
//	   │  loop.go      which node is next: one goroutine owns all states
//	   │  decide.go    run it or reuse its result: a key (package key) per node
//	   │  attempt.go   one try: conditions, late values, the function, its result
//	   │  rows.go      rows of a list that another step has made
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
// What is added from outside: a kind of step is a Kind (steps/all.go lists them), a
// cache backend an engine.Cache (steps/oci has one, content.Shared another; the
// command that opens it chooses by its address), an executor an engine.Execute
// (process; steps/jobs).
//
// Imports go down only: run → plan, history → store, and all of them → key,
// content, mask → engine → schema. run and store do not import each other.
package engine
