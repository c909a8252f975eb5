// Package mask hides secrets: in text, in errors, in the lines of a step's log
// (also a secret that is spread over several lines), and reports a result that
// contains one before it is stored.
//
// It knows the values that were read, and their usual spellings (quoted, percent
// encoded, line by line). It is a net for accidents: a step that encodes a secret in
// another way, or prints it byte by byte, gets it through. Nothing is written with a
// secret in it that is found, so masking is before the journal, the terminal and the
// store, not in them.
package mask
