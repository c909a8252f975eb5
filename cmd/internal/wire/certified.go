package wire

import (
	"context"
	"os"
	"strings"

	"github.com/NVIDIA/eidos/steps/sign/certified"
)

// certified asks the program that knows certificates: what verifies many signatures
// asks one that goes on running, what may have to tell somebody something its own.
func (h Host) certified() func(context.Context, certified.Request, func(string)) (*certified.Answer, error) {
	path, _ := h.Env("EIDOS_SIGSTORE")
	kept := &certified.Kept{Program: certified.Program{Path: path}}
	return func(ctx context.Context, r certified.Request, log func(string)) (*certified.Answer, error) {
		if r.Verify != nil {
			return kept.Ask(ctx, r)
		}
		return certified.Program{Path: path, Log: log}.Ask(ctx, r)
	}
}

// product is the name that the machine's vendor gave it; "" if that is not known.
func product() string {
	name, _ := os.ReadFile("/sys/class/dmi/id/product_name")
	return strings.TrimSpace(string(name))
}
