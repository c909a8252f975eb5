// Package oci moves bundles and documents to and from OCI registries.
//
// A bundle becomes one artefact (pack.go): a manifest with the empty config
// and a single reproducible tar+gzip layer, which `oras pull`, Flux and Argo CD
// unpack to the same tree. The same bundle has the same digest on every
// machine.
//
// There are three sorts of places to put it (location.go): a registry, an OCI
// image layout directory, and the embedded registry, which is a directory of
// layouts under the user's data directory. All three are spoken to through the
// distribution protocol: for the latter two, requests go straight to the
// handler in registry.go, without a socket. Serve gives that handler a port,
// for other tools.
//
// What comes from outside is taken for hostile (unpack.go): everything is
// verified by digest before it is looked into, and an archive is checked as a
// whole before anything of it is stored.
package oci
