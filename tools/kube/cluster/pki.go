package cluster

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"time"
)

// certLife is how long a test cluster can run. The start lies an hour back so
// that clocks need not agree.
const certLife = 30 * 24 * time.Hour

// pki is the certificate authority of one cluster. Everything it issues is
// written to dir as NAME.crt and NAME.key.
type pki struct {
	dir  string
	cert *x509.Certificate
	key  crypto.Signer
}

// subject is who a certificate speaks for: Name is the user, Groups what
// RBAC sees as groups.
type subject struct {
	Name   string
	Groups []string
}

func newPKI(dir string) (*pki, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	p := &pki{dir: dir}
	tmpl := &x509.Certificate{
		Subject:               pkix.Name{CommonName: "kubernetes-ca"},
		KeyUsage:              x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
		IsCA:                  true,
		BasicConstraintsValid: true,
	}
	cert, key, err := p.issue("ca", tmpl)
	if err != nil {
		return nil, err
	}
	p.cert, p.key = cert, key
	return p, nil
}

// client issues a certificate that authenticates s to the API server.
func (p *pki) client(file string, s subject) error {
	_, _, err := p.issue(file, &x509.Certificate{
		Subject:     pkix.Name{CommonName: s.Name, Organization: s.Groups},
		KeyUsage:    x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	})
	return err
}

// server issues a serving certificate for hosts, names or IP addresses.
func (p *pki) server(file string, s subject, hosts ...string) error {
	tmpl := &x509.Certificate{
		Subject:     pkix.Name{CommonName: s.Name, Organization: s.Groups},
		KeyUsage:    x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	for _, h := range hosts {
		if ip := net.ParseIP(h); ip != nil {
			tmpl.IPAddresses = append(tmpl.IPAddresses, ip)
		} else {
			tmpl.DNSNames = append(tmpl.DNSNames, h)
		}
	}
	_, _, err := p.issue(file, tmpl)
	return err
}

// signingKey makes the key pair of ServiceAccount tokens: NAME.key, NAME.pub.
func (p *pki) signingKey(file string) error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	if err := p.writeKey(file, key); err != nil {
		return err
	}
	pub, err := x509.MarshalPKIXPublicKey(key.Public())
	if err != nil {
		return err
	}
	return p.write(file+".pub", "PUBLIC KEY", pub)
}

func (p *pki) issue(file string, tmpl *x509.Certificate) (*x509.Certificate, crypto.Signer, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, err
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	if err != nil {
		return nil, nil, err
	}
	tmpl.SerialNumber = serial
	tmpl.NotBefore = time.Now().Add(-time.Hour)
	tmpl.NotAfter = time.Now().Add(certLife)
	parent, signer := p.cert, p.key
	if parent == nil {
		parent, signer = tmpl, key
	}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, parent, key.Public(), signer)
	if err != nil {
		return nil, nil, fmt.Errorf("issuing certificate %q: %w", file, err)
	}
	if err := p.write(file+".crt", "CERTIFICATE", der); err != nil {
		return nil, nil, err
	}
	if err := p.writeKey(file, key); err != nil {
		return nil, nil, err
	}
	cert, err := x509.ParseCertificate(der)
	return cert, key, err
}

func (p *pki) writeKey(file string, key *ecdsa.PrivateKey) error {
	der, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		return err
	}
	return p.write(file+".key", "EC PRIVATE KEY", der)
}

func (p *pki) write(file, kind string, der []byte) error {
	return os.WriteFile(p.path(file), pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600)
}

func (p *pki) path(file string) string { return filepath.Join(p.dir, file) }

// kubeconfig writes NAME.kubeconfig for the certificate NAME and returns its
// path.
func (p *pki) kubeconfig(file, url string) (string, error) {
	var b64 [3]string
	for i, f := range []string{"ca.crt", file + ".crt", file + ".key"} {
		data, err := os.ReadFile(p.path(f))
		if err != nil {
			return "", err
		}
		b64[i] = base64.StdEncoding.EncodeToString(data)
	}
	text := fmt.Sprintf(`apiVersion: v1
kind: Config
clusters: [{name: test, cluster: {server: %q, certificate-authority-data: %s}}]
users: [{name: test, user: {client-certificate-data: %s, client-key-data: %s}}]
contexts: [{name: test, context: {cluster: test, user: test}}]
current-context: test
`, url, b64[0], b64[1], b64[2])
	path := p.path(file + ".kubeconfig")
	return path, os.WriteFile(path, []byte(text), 0o600)
}
