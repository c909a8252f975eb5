// eidos-kms signs with keys that never leave a key management service or a token,
// by the plugin protocol that sigstore defines: installed on the path as
// sigstore-kms-pkcs11, -awskms, -azurekms, -gcpkms or -hashivault, it is what
// eidos and cosign start for a key pkcs11://…, awskms://… and so on. The clients
// are sigstore's own. It is a module of its own, so that no build of eidos
// compiles or checks them.
package main

import (
	"context"
	"crypto"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"github.com/sigstore/sigstore/pkg/signature"
	"github.com/sigstore/sigstore/pkg/signature/kms"
	"github.com/sigstore/sigstore/pkg/signature/kms/cliplugin"
	"github.com/sigstore/sigstore/pkg/signature/kms/cliplugin/common"
	"github.com/sigstore/sigstore/pkg/signature/kms/cliplugin/handler"

	_ "github.com/sigstore/sigstore/pkg/signature/kms/aws"
	_ "github.com/sigstore/sigstore/pkg/signature/kms/azure"
	_ "github.com/sigstore/sigstore/pkg/signature/kms/gcp"
	_ "github.com/sigstore/sigstore/pkg/signature/kms/hashivault"
)

// services are what this program knows, by the first word of a key.
var services = []string{"awskms", "azurekms", "gcpkms", "hashivault", "pkcs11"}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args, os.Stdin, os.Stdout); err != nil {
		fmt.Fprintf(os.Stderr, "eidos-kms: error: %v\n", err)
		os.Exit(1)
	}
}

// run fulfils one call of the protocol: its arguments are the version and the
// method with its parameters, the message comes from in, the answer goes to out.
// What a service refuses is in the answer.
func run(ctx context.Context, args []string, in io.Reader, out io.Writer) error {
	name, ok := strings.CutPrefix(filepath.Base(args[0]), cliplugin.PluginBinaryPrefix)
	if !ok || !slices.Contains(services, name) {
		return fmt.Errorf("it is started as %sNAME, NAME one of %s, and is %q here: make a link with such a name on the path",
			cliplugin.PluginBinaryPrefix, strings.Join(services, ", "), filepath.Base(args[0]))
	}
	if len(args) < 3 || args[1] != common.ProtocolVersion {
		return fmt.Errorf("eidos and cosign start it, by version %s of sigstore's plugin protocol", common.ProtocolVersion)
	}
	call, err := handler.GetPluginArgs(args)
	if err != nil {
		return fmt.Errorf("reading the call: %w", err)
	}
	if call.InitOptions == nil {
		return errors.New("reading the call: it names no key")
	}
	if at := call.InitOptions.CtxDeadline; at != nil {
		var cancel context.CancelFunc
		ctx, cancel = context.WithDeadline(ctx, *at)
		defer cancel()
	}
	key, err := open(ctx, name, call.InitOptions.KeyResourceID, call.InitOptions.HashFunc)
	if err != nil {
		return handler.WriteErrorResponse(out, err)
	}
	_, err = handler.Dispatch(out, in, call, key)
	return err
}

func open(ctx context.Context, name, key string, hash crypto.Hash) (kms.SignerVerifier, error) {
	if name == "pkcs11" {
		return openToken(key, hash)
	}
	sv, err := kms.Get(ctx, name+"://"+key, hash)
	return local{sv, hash}, err
}

// local is a key whose signatures are verified here, with its public key: a service
// could prove no more, and sigstore's client of Azure sends those of ECDSA keys
// damaged (r twice instead of r and s).
type local struct {
	kms.SignerVerifier
	hash crypto.Hash
}

func (l local) VerifySignature(sig, message io.Reader, _ ...signature.VerifyOption) error {
	key, err := l.PublicKey()
	if err != nil {
		return err
	}
	return verify(key, l.hash, sig, message)
}

func verify(key crypto.PublicKey, hash crypto.Hash, sig, message io.Reader) error {
	v, err := signature.LoadVerifier(key, hash)
	if err != nil {
		return err
	}
	return v.VerifySignature(sig, message)
}
