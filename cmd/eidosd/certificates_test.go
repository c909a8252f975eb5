package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// certificatesCommand writes an authority, ca.pem, and of it server.pem and
// server.key, and client.pem with its key: certificates NAME.
func certificatesCommand(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: certificates NAME")
	}
	caKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	ts.Check(err)
	template := func(serial int64, name string) *x509.Certificate {
		return &x509.Certificate{
			SerialNumber: big.NewInt(serial), Subject: pkix.Name{CommonName: name},
			NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
			IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
			ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
		}
	}
	ca := template(1, args[0])
	ca.IsCA, ca.BasicConstraintsValid, ca.KeyUsage, ca.ExtKeyUsage = true, true, x509.KeyUsageCertSign, nil
	der, err := x509.CreateCertificate(rand.Reader, ca, ca, caKey.Public(), caKey)
	ts.Check(err)
	write := func(name string, blocks ...*pem.Block) {
		var out []byte
		for _, b := range blocks {
			out = append(out, pem.EncodeToMemory(b)...)
		}
		ts.Check(os.WriteFile(ts.MkAbs(name), out, 0o600))
	}
	write("ca.pem", &pem.Block{Type: "CERTIFICATE", Bytes: der})
	for i, who := range []string{"server", "client"} {
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		ts.Check(err)
		leaf, err := x509.CreateCertificate(rand.Reader, template(int64(2+i), who), ca, key.Public(), caKey)
		ts.Check(err)
		keyDER, err := x509.MarshalECPrivateKey(key)
		ts.Check(err)
		cert, secret := &pem.Block{Type: "CERTIFICATE", Bytes: leaf}, &pem.Block{Type: "EC PRIVATE KEY", Bytes: keyDER}
		if who == "client" {
			write("client.pem", cert, secret)
		} else {
			write("server.pem", cert)
			write("server.key", secret)
		}
	}
}
