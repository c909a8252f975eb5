// Package remote runs one task for another process (Run), and carries tasks and
// their results through a cache when the two share nothing else (Send, Deliver,
// Receive).
package remote
