// Package certtest makes certificates for tests of servers and of their clients. They
// are valid for an hour around the moment, and their keys are for nothing else.
package certtest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"time"
)

// Authority issues certificates. Its own, which it has signed itself, serves the hosts
// that it was made for: one is enough where tests distinguish nothing else.
type Authority struct {
	tls.Certificate
	serial int64
}

// New returns an authority for hosts, names or addresses; none if it only issues.
func New(name string, hosts ...string) (*Authority, error) {
	a := &Authority{}
	t := a.template(name, hosts)
	t.IsCA, t.BasicConstraintsValid, t.KeyUsage = true, true, x509.KeyUsageCertSign|x509.KeyUsageDigitalSignature
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	der, err := x509.CreateCertificate(rand.Reader, t, t, key.Public(), key)
	if err != nil {
		return nil, err
	}
	a.Certificate = tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
	a.Leaf, err = x509.ParseCertificate(der)
	return a, err
}

// PEM is the authority's certificate, for whoever is to trust it.
func (a *Authority) PEM() []byte { return encode("CERTIFICATE", a.Certificate.Certificate[0]) }

// Issue returns a certificate with its key, in PEM, for a server of hosts or a client.
func (a *Authority) Issue(name string, hosts ...string) (cert, key []byte, err error) {
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, err
	}
	t := a.template(name, hosts)
	t.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}
	der, err := x509.CreateCertificate(rand.Reader, t, a.Leaf, k.Public(), a.PrivateKey)
	if err != nil {
		return nil, nil, err
	}
	secret, err := x509.MarshalECPrivateKey(k)
	return encode("CERTIFICATE", der), encode("EC PRIVATE KEY", secret), err
}

// template is what all certificates have in common.
func (a *Authority) template(name string, hosts []string) *x509.Certificate {
	a.serial++
	t := &x509.Certificate{
		SerialNumber: big.NewInt(a.serial), Subject: pkix.Name{CommonName: name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}
	for _, h := range hosts {
		if ip := net.ParseIP(h); ip != nil {
			t.IPAddresses = append(t.IPAddresses, ip)
		} else {
			t.DNSNames = append(t.DNSNames, h)
		}
	}
	return t
}

func encode(kind string, der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
}
