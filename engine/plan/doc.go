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
// source position: a pass goes on after a mistake, with what it could not find left
// out, and later passes report nothing about what is left out. Rows are expanded only
// if no mistake was found before, for each would be reported once a row.
//
// The order of the file counts: two files with the same steps in another order have
// plans in another order, and messages are in that of the file. Maps are walked by
// sorted keys, so the same file has the same plan, byte for byte.
//
// What a few lines can multiply to is bounded (size.go, maxRows, maxEdges, maxInclude):
// a pipeline may come from somebody else. What such a one may touch on this machine is
// checked in bounds.go, as it is written when compiling and again while running.
//
// A Plan is not changed by running it, and may be run at the same time by several.
package plan
