// Package mirror copies what a recipe or a bundle needs to a registry or a
// directory: the steps `mirror` and `check-mirror`.
//
//	TO/HOST/REPOSITORY:TAG     an image, below the registry it comes from
//	TO/charts/NAME:VERSION     a chart, as Helm pushes it
//	TO/bundle/NAME:VERSION     the bundle, with its signatures and attestations
//	TO/release/NAME:VERSION    the release: one index of all of the above, and the inventory
//
// In a layout, a directory or one tar file, these names without TO/ are tags of the
// one layout. The repository of a release has everything that its index names, so
// that any tool that copies an index copies it whole, and to sign the index is to
// sign everything. A run that was broken off is resumed by running it again: what
// is there is not sent twice.
package mirror
