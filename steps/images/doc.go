// Package images lists the container images that a recipe or a bundle would
// run: the step `images`.
//
// The fact file of a chart has the images of its default rendering and every
// value of the chart. Values that name an image are found by their names
// (facts.go); one whose default is an image of the default rendering is
// evaluated again with the recipe's values, and so it is known both what runs
// and which value changes it (rewrite.go). Values that name an image that the
// chart does not run itself are for Pods that an operator, or a feature that is
// started later, makes: those are listed too, unless they are switched off.
//
// A chart without facts that a lock pins is rendered by helm of PATH (rendered.go).
package images
