// Package run turns a plan into results. Runner is the input, Result the output.
//
// One goroutine (loop.go) owns the state of every node. It starts attempts in an
// errgroup and receives messages from them; attempts are a worker's (worker.go,
// attempt.go), which never touches states. Every transition is made by one method (state.go), every decision has a
// reason (decide.go), and every event goes through one method (emit.go), numbered
// and in order. Runner.Explain asks the same questions without running a step;
// Runner.RunSingle runs one step of a run that no single process drives.
package run
