//go:build race

package racetest

// Detector reports whether the tests are built with the race detector.
const Detector = true
