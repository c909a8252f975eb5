// Package mask hides secrets: in text, in errors, in the lines of a step's log
// (also a secret that is spread over several lines), and reports a result that
// contains one before it is stored.
package mask
