// Package run turns a plan into results. Runner is the input, Result the output.
//
// One goroutine (loop.go) owns the state of every node. It starts attempts in an
// errgroup and receives messages from them; attempts are a worker's (worker.go,
// attempt.go), which never touches states. Every transition is made by one method
// (state.go), every decision has a reason (decide.go), and every event goes through
// one method (emit.go), numbered and in order. Runner.Explain asks the same questions
// without running a step; Runner.RunSingle runs one step of a run that no single
// process drives.
//
// The states of a node, with what moves it on:
//
//	waiting ─ all that it needs is final ─→ ready ─ a slot is free ─→ running
//	   │                                      ↑                         │ the attempt
//	   │ verdict: what it needs was skipped,  └──── retrying ←──────────┤ has ended
//	   │ failed or was stopped                  its pause is over       ↓
//	   └──────────────────────────────→ skipped, canceled      done, failed, canceled,
//	                                                           or skipped by its `when`
//
// Nothing leaves a final state within a run. Steps under finally are a second phase of
// the same loop, with a context of its own: they run also when the first was stopped.
//
// After kill -9 nothing has to be repaired. What a step stored is found again by its
// key (decide.go), or as finished work of the run that is resumed (resume.go).
package run
