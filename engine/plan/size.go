package plan

import "github.com/NVIDIA/eidos/schema"

// Limits of a plan: a few lines that include each other, or matrices that meet,
// multiply to more than fits into memory.
const (
	maxNodes = 100_000   // steps, and rows of them
	maxEdges = 1_000_000 // values that rows take from rows
)

// room reports whether a plan may have n steps or rows; if not, it is a problem at
// that place.
func (c *compiler) room(at schema.Position, n int) bool {
	if n > maxNodes {
		c.full(at, "a pipeline has at most %d steps and rows, with those of what it includes", maxNodes)
		return false
	}
	return true
}

// full notes that the plan is too large, once: everything after is too. Compiling goes on
// without adding nodes, so that the other mistakes are reported beside it.
func (c *compiler) full(at schema.Position, format string, limit int) {
	if !c.tooLarge {
		c.tooLarge = true
		c.fail(at.Errorf(format, limit))
	}
}
