// Package history describes runs of the past from their journals: it lists and
// finds them, explains why a step ran and what changed since, finds what can be
// resumed.
package history
