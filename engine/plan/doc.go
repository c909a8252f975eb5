// Package plan compiles a pipeline file. A Plan is a DAG: every name is resolved,
// every edge typed, every matrix expanded to rows, every parameter decoded. What
// depends on results of other steps is late: it is checked as far as possible and
// filled in by Node.Fill, Node.Guards and Plan.Unroll while the plan runs, from a
// function that returns results.
//
// Compile works in passes over drafts: declare every step (compile.go, and
// include.go for those of other files), link names to steps (link.go), order them
// (order.go), expand rows to nodes (matrix.go, expand.go) and bind parameters
// (bind.go). All problems are collected and returned at once, each with its
// source position. A Plan is not changed by running it.
package plan
