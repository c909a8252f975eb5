// Package keyless signs with certificates that Fulcio makes for OIDC identities,
// and verifies what is signed so, with sigstore's own library. Only the program
// eidos-sigstore links it.
package keyless
