// Package address reads and writes documents and bundles by URI:
//
//	path, file://path    a file; for a bundle, a directory
//	-                    standard input or output
//	http://, https://    reading only
//	cm://namespace/name  a ConfigMap
//	oci://reference      a registry, the embedded one (oci://embedded/…), or a
//	                     layout directory (oci-layout:DIR…)
//
// Documents are YAML or JSON; reading tells them apart by content, writing by
// the file's name or the chosen format.
//
// What is written is written whole or not at all: files and directories are
// made beside their place, flushed, and renamed. A file is replaced only if it
// is empty or holds a document of the kind that is written: an input that is
// named as the output by mistake is not lost. A directory is replaced only if
// nothing of value can be lost with it: it is empty, or it is an untouched
// bundle of eidos (it has the metadata that eidos writes, and every file agrees
// with its checksums.txt, none missing, none added), so that a pipeline can
// write its own output again. A bundle that somebody changed, and every other
// directory, stays, unless Force says otherwise.
package address
