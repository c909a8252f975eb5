package main

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const (
	awsKey    = "1234abcd-12ab-34cd-56ef-1234567890ab"
	awsAccess = "AKIAEXAMPLE"
)

// awsKMS answers as AWS KMS does, with one key: its JSON protocol 1.1, see
// https://docs.aws.amazon.com/kms/latest/APIReference.
type awsKMS struct{ key *ecdsa.PrivateKey }

func (a awsKMS) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var in struct {
		KeyId, MessageType, SigningAlgorithm string
		Message                              []byte
	}
	_ = json.NewDecoder(r.Body).Decode(&in)
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	fail := func(kind string) {
		w.WriteHeader(http.StatusBadRequest)
		_ = json.NewEncoder(w).Encode(map[string]string{"__type": kind, "message": kind})
	}
	// The signature of the request names whose credentials it was made with.
	if !strings.HasPrefix(r.Header.Get("Authorization"), "AWS4-HMAC-SHA256 Credential="+awsAccess+"/") {
		fail("UnrecognizedClientException")
		return
	}
	if in.KeyId != awsKey {
		fail("NotFoundException")
		return
	}
	out := map[string]any{"KeyId": in.KeyId}
	const algorithm = "ECDSA_SHA_256"
	switch r.Header.Get("X-Amz-Target") {
	case "TrentService.GetPublicKey":
		der, err := x509.MarshalPKIXPublicKey(a.key.Public())
		if err != nil {
			panic(err)
		}
		out["PublicKey"], out["SigningAlgorithms"] = der, []string{algorithm}
	case "TrentService.DescribeKey":
		out["KeyMetadata"] = map[string]any{"KeyId": in.KeyId, "SigningAlgorithms": []string{algorithm}}
	case "TrentService.Sign":
		if in.MessageType != "DIGEST" || in.SigningAlgorithm != algorithm || len(in.Message) != crypto.SHA256.Size() {
			fail("ValidationException")
			return
		}
		sig, err := ecdsa.SignASN1(rand.Reader, a.key, in.Message)
		if err != nil {
			panic(err)
		}
		out["Signature"], out["SigningAlgorithm"] = sig, algorithm
	default:
		fail("UnknownOperationException")
		return
	}
	_ = json.NewEncoder(w).Encode(out)
}

// A key in AWS KMS signs, through sigstore's client of it.
func TestAWS(t *testing.T) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewTLSServer(awsKMS{key})
	defer server.Close()
	installed(t)
	host := strings.TrimPrefix(server.URL, "https://")
	authority := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(authority, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, value := range map[string]string{
		"AWS_REGION": "us-east-2", "AWS_ACCESS_KEY_ID": awsAccess, "AWS_SECRET_ACCESS_KEY": "hunter2", "AWS_EC2_METADATA_DISABLED": "true",
		"AWS_CONFIG_FILE": "/dev/null", "AWS_SHARED_CREDENTIALS_FILE": "/dev/null", "AWS_CA_BUNDLE": authority,
	} {
		t.Setenv(name, value)
	}
	if err := signs("awskms://"+host+"/"+awsKey, crypto.SHA256); err != nil {
		t.Error(err)
	}
	for name, key := range map[string]string{
		"NotFoundException":              "awskms://" + host + "/" + strings.Replace(awsKey, "1234", "9999", 1),
		"kms specification should be in": "awskms://" + host + "/release",
	} {
		if err := signs(key, crypto.SHA256); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", key, err)
		}
	}
	t.Setenv("AWS_ACCESS_KEY_ID", "AKIAOTHER")
	if err := signs("awskms://"+host+"/"+awsKey, crypto.SHA256); err == nil || !strings.Contains(err.Error(), "UnrecognizedClientException") || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("with other credentials: %v", err)
	}
}
