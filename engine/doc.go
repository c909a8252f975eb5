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
//	   │  schema.Parse (YAML, JSON), expr.Parse (CUE): a schema.Doc, which knows
//	   │  file:line:col; a schema.Position gives it to an error
//	   ▼
//	plan      names resolved, edges typed, matrix rows expanded, parameters bound
//	   │  plan.Compile: compile.go, link.go, order.go, matrix.go (the rows of a
//	   │  matrix), expand.go (the nodes of rows), bind.go. late.go: rows, values
//	   │  and conditions (Node.Guards) while running. locate.go: positions of the
//	   │  errors of an attempt
//	   ▼
//	run       schedule → decide → attempt → report
//	   │  loop.go      which node is next: one goroutine owns all states
//	   │  verdict.go   skips a node: what it waits for was skipped or failed
//	   │  decide.go    runs a step or reuses a result: fills in a key.Key
//	   │  attempt.go   one try: asks Node.Guards (`when`, evaluated by package
//	   │               expr), fills in late values, decides, calls the function
//	   │  rows.go      rows of a list that another step has made
//	   │  sharing.go   reuses what other machines made, through an engine.Cache
//	   │  remote.go    the same try on another machine, through engine.Execute
//	   │  output.go    `out`: saved, and saved again when it is not what it was
//	   │  explain.go   what a run would do: `eidos plan`
//	   ▼
//	store     results by content, entries by key, a journal for each run
//	   │
//	   ▼
//	history   runs of the past: list, explain (`eidos runs explain`), find what to
//	          resume
//
// An error gets its file:line:col where it is made, from the schema.Position of what it
// is about (Position.Errorf, KeyErrorf, Wrap). A step that runs knows no positions: it
// names a parameter by its path, and plan/locate.go finds that in the file. What flags
// set has none and is shown as the flag: cmd/internal/single, cmd/internal/flags.
//
// content reads and writes documents and copies entries between stores; mask
// hides secrets in logs and errors and refuses a result that holds one
// (run/secret.go reads them); expr evaluates `when` and reads CUE; remote runs one
// task for another process and carries tasks and results; process is an executor
// on top of it.
//
// On kill -9 no result is lost: one is stored before its entry, an entry before
// its event. The journal may be behind; a torn line is passed over, temporary
// files are removed by the next process that has the store alone. The next run of
// the same plan resumes: cmd/internal/pipelinerun asks history.Unfinished,
// run/resume.go takes over what is done. A step that was cut off runs again, its
// effects too.
//
// What is added from outside: a kind of step is a Kind (steps/all.go lists them), a
// cache backend an engine.Cache (cache.go; steps/oci/cache.go and content.Shared
// are two, OpenCache in cmd/internal/wire chooses by the address), an executor an
// engine.Execute (process; steps/jobs).
//
// Imports go down only: run → plan, expr → plan, history → store, process → remote;
// of run, store, history and remote each what it needs of key, content and mask; all
// of them → engine → schema. run and store do not import each other.
package engine
