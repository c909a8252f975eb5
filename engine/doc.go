// Package engine is the machine: it compiles a pipeline to a plan, and runs
// the plan. A plan is a DAG of typed steps; a step is a plain Go function from
// values to a value; values live in a store by their content. It knows no
// GPUs, no Kubernetes, no registries and no CUE.
//
//	kind.go       what a step can do, and how a Go function becomes one
//	compile.go    a pipeline to a plan: link.go, matrix.go, expand.go, bind.go, sort.go, include.go
//	run.go        a plan to a result: loop.go, state.go, verdict.go, task.go, target.go, unroll.go
//	decide.go     run a step or reuse its result: key.go, compare.go; explain.go asks without running
//	store.go      results by content: directory.go, linefile.go, keylog.go, smalllog.go, memory.go;
//	              scratch.go and verify.go only look; cache.go shares them
//	step.go       one attempt complete in itself, to run elsewhere; process/ does in processes
//	journal.go    what happened: runs.go and history.go tell about runs of the past, retry.go
//	              runs one again, provenance.go attests one
//	secret.go     what steps may read and nobody may see: mask.go hides it
//	event.go      the one stream that everything which shows a run is made of
package engine
