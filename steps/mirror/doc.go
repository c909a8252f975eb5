// Package mirror copies what a recipe or a bundle needs to a registry or a
// directory: the steps `mirror` and `check-mirror`.
//
//	TO/HOST/REPOSITORY:TAG     an image, below the registry it comes from
//	TO/charts/NAME:VERSION     a chart, as Helm pushes it
//	TO/bundle/NAME:VERSION     the bundle, with its signatures and attestations
//	TO/release/NAME:VERSION    the release: all of the above by digest, and the inventory
//
// In a layout directory these names, without TO/, are tags of the one layout. To
// sign the release is to sign everything in it. A run that was broken off is
// resumed by running it again: what is there is not sent twice.
package mirror
