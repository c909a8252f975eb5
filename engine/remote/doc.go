// Package remote runs one task for another process (Run), and carries tasks and
// their results through a cache when the two share nothing else (Send, Deliver,
// Receive).
//
// Processes agree on nothing but digests and the versions of kinds. A task names its
// inputs; where they are read from, and how a log gets back, is up to the executor.
// Delivering a result twice is harmless, so a Pod that was killed after it had
// delivered, and another in its place, end the same way.
package remote
