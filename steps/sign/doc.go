// Package sign signs artefacts by digest with cosign key pairs, attests how
// they were made, and verifies both.
//
// What it writes is what `cosign` writes: a Sigstore bundle v0.3 that holds a
// DSSE envelope around an in-toto statement, attached to the signed manifest as
// an OCI referrer; or, if asked for, the older .sig and .att tags. Stock cosign
// 2 and 3 verify it, and cosign's key files are used as they are.
//
// Of cosign it links the packages that say what that is (attestation
// statements, types, environment) and not the ones that do it: those bring
// Rekor's and Fulcio's clients, which every command would pay for before main,
// see weight_test.go. What is left is short: a DSSE envelope has one signature
// over one string. cosign's own library verifies it in the tests, and this
// package verifies what stock cosign signs.
//
// Signatures are deterministic (RFC 6979): signing the same digest with the
// same key again changes nothing in the registry.
package sign
