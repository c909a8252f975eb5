//go:build !race

// Package racetest is how tests know that they run under the race detector, where
// CUE takes eight times as long.
package racetest

// Detector reports whether the tests are built with the race detector.
const Detector = false
