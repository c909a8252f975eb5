// Package history describes runs of the past from their journals: it lists and
// finds them, explains why a step ran and what changed since, finds what can be
// resumed.
//
// It only reads, and takes no lock, so it may look at a run that is going on or that
// is being removed: what is half there is left out. Journals are read anew each time;
// they are small, and an index would be one more thing to keep right. The journal says
// what happened; what a key was made of is in the store, and may be gone after a
// garbage collection (StepHistory.Lost).
package history
