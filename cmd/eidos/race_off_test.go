//go:build !race

package main

// raceDetector reports whether the tests are built with it.
const raceDetector = false
