package main

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
)

const (
	azureTenant = "6f1a8f0e-2f3d-4d6e-9a0f-3f6f2c1b7a55"
	azureClient = "0b7d2c1e-9c64-4f7b-8a53-1f0c5e9d2b11"
	azureLogin  = "login.microsoftonline.com"
	azureVault  = "gpu.vault.azure.net"
)

func answer(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body)
}

// login answers as Microsoft Entra ID does, for one application of one tenant.
func login(w http.ResponseWriter, r *http.Request) {
	const address = "https://" + azureLogin + "/" + azureTenant
	switch r.URL.Path {
	case "/common/discovery/instance":
		answer(w, http.StatusOK, map[string]any{"tenant_discovery_endpoint": address + "/v2.0/.well-known/openid-configuration"})
	case "/" + azureTenant + "/v2.0/.well-known/openid-configuration":
		answer(w, http.StatusOK, map[string]any{
			"token_endpoint": address + "/oauth2/v2.0/token", "authorization_endpoint": address + "/oauth2/v2.0/authorize",
			"issuer": address + "/v2.0",
		})
	case "/" + azureTenant + "/oauth2/v2.0/token":
		if r.FormValue("client_id") != azureClient || r.FormValue("client_secret") != "hunter2" || !strings.HasPrefix(r.FormValue("scope"), "https://vault.azure.net/.default") {
			answer(w, http.StatusUnauthorized, map[string]any{"error": "invalid_client", "error_description": "AADSTS7000215: Invalid client secret provided."})
			return
		}
		answer(w, http.StatusOK, map[string]any{"token_type": "Bearer", "expires_in": 3600, "access_token": "for-the-vault"})
	default:
		http.NotFound(w, r)
	}
}

// keyVault answers as Azure Key Vault does, see
// https://learn.microsoft.com/rest/api/keyvault/keys. Its signatures of ECDSA keys
// are r and s side by side.
type keyVault map[string]*ecdsa.PrivateKey

func (v keyVault) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get("Authorization") != "Bearer for-the-vault" {
		w.Header().Set("WWW-Authenticate", fmt.Sprintf(`Bearer authorization="https://%s/%s", resource="https://vault.azure.net"`, azureLogin, azureTenant))
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	parts := strings.Split(strings.Trim(r.URL.Path, "/"), "/") // keys, name, perhaps version, perhaps operation
	if len(parts) < 2 || v[parts[1]] == nil {
		answer(w, http.StatusNotFound, map[string]any{"error": map[string]string{"code": "KeyNotFound", "message": "A key with this name was not found in this key vault."}})
		return
	}
	key, size := v[parts[1]], (v[parts[1]].Params().BitSize+7)/8
	id := "https://" + azureVault + "/keys/" + parts[1] + "/1"
	encode := base64.RawURLEncoding.EncodeToString
	if parts[len(parts)-1] != "sign" {
		x, y := make([]byte, size), make([]byte, size)
		answer(w, http.StatusOK, map[string]any{
			"key": map[string]any{
				"kid": id, "kty": "EC-HSM", "crv": key.Params().Name, "key_ops": []string{"sign", "verify"},
				"x": encode(key.X.FillBytes(x)), "y": encode(key.Y.FillBytes(y)),
			},
			"attributes": map[string]any{"enabled": true},
		})
		return
	}
	var in struct{ Alg, Value string }
	_ = json.NewDecoder(r.Body).Decode(&in)
	digest, _ := base64.RawURLEncoding.DecodeString(in.Value)
	if in.Alg != fmt.Sprintf("ES%d", 8*len(digest)) || len(digest) != size {
		answer(w, http.StatusBadRequest, map[string]any{"error": map[string]string{"code": "BadParameter", "message": "the digest is not one of the algorithm"}})
		return
	}
	one, two, err := ecdsa.Sign(rand.Reader, key, digest)
	if err != nil {
		panic(err)
	}
	sig := append(one.FillBytes(make([]byte, size)), two.FillBytes(make([]byte, size))...)
	answer(w, http.StatusOK, map[string]any{"kid": id, "value": encode(sig)})
}

// Keys in Azure Key Vault sign, through sigstore's client of it, under the
// service's own names.
func TestAzure(t *testing.T) {
	vault := keyVault{}
	for name, curve := range map[string]elliptic.Curve{"p256": elliptic.P256(), "p384": elliptic.P384()} {
		key, err := ecdsa.GenerateKey(curve, rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		vault[name] = key
	}
	cloud(t, map[string]http.Handler{azureVault: vault, azureLogin: http.HandlerFunc(login)})
	installed(t)
	for name, value := range map[string]string{
		"AZURE_TENANT_ID": azureTenant, "AZURE_CLIENT_ID": azureClient, "AZURE_CLIENT_SECRET": "hunter2",
		"AZURE_TOKEN_CREDENTIALS": "EnvironmentCredential",
	} {
		t.Setenv(name, value)
	}
	for _, tt := range []struct {
		key  string
		hash crypto.Hash
		want string // in the error
	}{
		{azureVault + "/p256", crypto.SHA256, ""},
		{azureVault + "/p256/1", crypto.SHA256, ""},
		{azureVault + "/p384", crypto.SHA384, ""},
		{azureVault + "/none", crypto.SHA256, "KeyNotFound"},
		{azureVault, crypto.SHA256, "kms specification should be in"},
	} {
		if err := signs("azurekms://"+tt.key, tt.hash); tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
			t.Errorf("%s: %v", tt.key, err)
		}
	}
	t.Setenv("AZURE_CLIENT_SECRET", "another-secret")
	if err := signs("azurekms://"+azureVault+"/p256", crypto.SHA256); err == nil || !strings.Contains(err.Error(), "AADSTS7000215") || strings.Contains(err.Error(), "another-secret") {
		t.Errorf("with other credentials: %v", err)
	}
}
