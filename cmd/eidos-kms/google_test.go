package main

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"hash/crc32"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"cloud.google.com/go/kms/apiv1/kmspb"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

const (
	googleRing    = "projects/gpu/locations/global/keyRings/eidos/cryptoKeys/"
	googleAccount = "release@gpu.iam.gserviceaccount.com"
)

type googleKey struct {
	crypto.Signer
	algorithm kmspb.CryptoKeyVersion_CryptoKeyVersionAlgorithm
	options   crypto.SignerOpts
}

// googleKMS answers as Google Cloud KMS does, by the gRPC service of
// https://cloud.google.com/kms/docs/reference/rpc, for one service account.
type googleKMS struct {
	kmspb.UnimplementedKeyManagementServiceServer
	account *rsa.PublicKey
	keys    map[string]googleKey // by name, each with one version
}

// authorized refuses a call that the service account has not signed: its token is
// a JWT of its own, as for every Google API that takes one.
func (g googleKMS) authorized(ctx context.Context, req any, _ *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error) {
	refused := status.Error(codes.Unauthenticated, "Request had invalid authentication credentials.")
	md, _ := metadata.FromIncomingContext(ctx)
	token, _ := strings.CutPrefix(strings.Join(md.Get("authorization"), " "), "Bearer ")
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return nil, refused
	}
	sig, _ := base64.RawURLEncoding.DecodeString(parts[2])
	digest := sha256.Sum256([]byte(parts[0] + "." + parts[1]))
	claims, _ := base64.RawURLEncoding.DecodeString(parts[1])
	var c struct {
		Issuer string `json:"iss"`
	}
	if rsa.VerifyPKCS1v15(g.account, crypto.SHA256, digest[:], sig) != nil || json.Unmarshal(claims, &c) != nil || c.Issuer != googleAccount {
		return nil, refused
	}
	return next(ctx, req)
}

func (g googleKMS) key(name string) (googleKey, error) {
	name, _, _ = strings.Cut(strings.TrimPrefix(name, googleRing), "/")
	if key, ok := g.keys[name]; ok {
		return key, nil
	}
	return googleKey{}, status.Errorf(codes.NotFound, "CryptoKey %s%s not found.", googleRing, name)
}

func (g googleKMS) GetCryptoKey(_ context.Context, in *kmspb.GetCryptoKeyRequest) (*kmspb.CryptoKey, error) {
	_, err := g.key(in.Name)
	return &kmspb.CryptoKey{Name: in.Name, Purpose: kmspb.CryptoKey_ASYMMETRIC_SIGN}, err
}

func (g googleKMS) GetCryptoKeyVersion(_ context.Context, in *kmspb.GetCryptoKeyVersionRequest) (*kmspb.CryptoKeyVersion, error) {
	key, err := g.key(in.Name)
	if err == nil && !strings.HasSuffix(in.Name, "/1") {
		err = status.Errorf(codes.NotFound, "CryptoKeyVersion %s not found.", in.Name)
	}
	return &kmspb.CryptoKeyVersion{Name: in.Name, Algorithm: key.algorithm, State: kmspb.CryptoKeyVersion_ENABLED}, err
}

func (g googleKMS) ListCryptoKeyVersions(ctx context.Context, in *kmspb.ListCryptoKeyVersionsRequest) (*kmspb.ListCryptoKeyVersionsResponse, error) {
	v, err := g.GetCryptoKeyVersion(ctx, &kmspb.GetCryptoKeyVersionRequest{Name: in.Parent + "/cryptoKeyVersions/1"})
	return &kmspb.ListCryptoKeyVersionsResponse{CryptoKeyVersions: []*kmspb.CryptoKeyVersion{v}, TotalSize: 1}, err
}

func (g googleKMS) GetPublicKey(_ context.Context, in *kmspb.GetPublicKeyRequest) (*kmspb.PublicKey, error) {
	key, err := g.key(in.Name)
	if err != nil {
		return nil, err
	}
	der, err := x509.MarshalPKIXPublicKey(key.Public())
	return &kmspb.PublicKey{Name: in.Name, Algorithm: key.algorithm, Pem: string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))}, err
}

func (g googleKMS) AsymmetricSign(_ context.Context, in *kmspb.AsymmetricSignRequest) (*kmspb.AsymmetricSignResponse, error) {
	key, err := g.key(in.Name)
	if err != nil {
		return nil, err
	}
	digest := map[crypto.Hash][]byte{
		crypto.SHA256: in.Digest.GetSha256(), crypto.SHA384: in.Digest.GetSha384(), crypto.SHA512: in.Digest.GetSha512(),
	}[key.options.HashFunc()]
	castagnoli := crc32.MakeTable(crc32.Castagnoli)
	if len(digest) == 0 || int64(crc32.Checksum(digest, castagnoli)) != in.DigestCrc32C.GetValue() {
		return nil, status.Error(codes.InvalidArgument, "the digest is not one of the key's algorithm, or was damaged")
	}
	sig, err := key.Sign(rand.Reader, digest, key.options)
	return &kmspb.AsymmetricSignResponse{
		Name: in.Name, Signature: sig, VerifiedDigestCrc32C: true,
		SignatureCrc32C: wrapperspb.Int64(int64(crc32.Checksum(sig, castagnoli))),
	}, err
}

// Keys in Google Cloud KMS sign, through sigstore's client of it, under the
// service's own name.
func TestGoogle(t *testing.T) {
	p256, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	p384, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	account, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	kms := googleKMS{account: &account.PublicKey, keys: map[string]googleKey{
		"p256": {p256, kmspb.CryptoKeyVersion_EC_SIGN_P256_SHA256, crypto.SHA256},
		"p384": {p384, kmspb.CryptoKeyVersion_EC_SIGN_P384_SHA384, crypto.SHA384},
		"rsa":  {account, kmspb.CryptoKeyVersion_RSA_SIGN_PKCS1_2048_SHA256, crypto.SHA256},
		"pss":  {account, kmspb.CryptoKeyVersion_RSA_SIGN_PSS_2048_SHA256, &rsa.PSSOptions{Hash: crypto.SHA256}},
	}}
	server := grpc.NewServer(grpc.UnaryInterceptor(kms.authorized))
	kmspb.RegisterKeyManagementServiceServer(server, kms)
	cloud(t, map[string]http.Handler{"cloudkms.googleapis.com": server})
	installed(t)
	credentials(t, account)
	t.Setenv("GOOGLE_API_USE_CLIENT_CERTIFICATE", "false")
	for _, tt := range []struct {
		key  string
		hash crypto.Hash
		want string // in the error
	}{
		{googleRing + "p256", crypto.SHA256, ""},
		{googleRing + "p256/cryptoKeyVersions/1", crypto.SHA256, ""},
		{googleRing + "p384", crypto.SHA384, ""},
		{googleRing + "rsa", crypto.SHA256, ""},
		// Which scheme a key is for is not in the public key: eidos refuses what it signs.
		{googleRing + "pss", crypto.SHA256, "verifying here"},
		{googleRing + "none", crypto.SHA256, "NotFound"},
		{googleRing + "p256/cryptoKeyVersions/2", crypto.SHA256, "NotFound"},
		{"projects/gpu", crypto.SHA256, "kms specification should be in"},
	} {
		if err := signs("gcpkms://"+tt.key, tt.hash); tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
			t.Errorf("%s: %v", tt.key, err)
		}
	}
	other, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	credentials(t, other)
	if err := signs("gcpkms://"+googleRing+"p256", crypto.SHA256); err == nil || !strings.Contains(err.Error(), "Unauthenticated") {
		t.Errorf("with other credentials: %v", err)
	}
}

// credentials is the file of the service account, with this key.
func credentials(t *testing.T, key *rsa.PrivateKey) {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	data, err := json.Marshal(map[string]string{
		"type": "service_account", "project_id": "gpu", "private_key_id": "1", "client_email": googleAccount, "client_id": "1",
		"private_key": string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})),
		"token_uri":   "https://oauth2.googleapis.com/token", "universe_domain": "googleapis.com",
	})
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "account.json")
	if err := os.WriteFile(file, data, 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("GOOGLE_APPLICATION_CREDENTIALS", file)
}
