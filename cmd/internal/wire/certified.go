package wire

import (
	"context"
	"os"
	"strings"

	"github.com/NVIDIA/eidos/steps/sign/certified"
)

// certified asks the program that knows certificates, eidos-sigstore: beside this one, on
// the path, or where $EIDOS_SIGSTORE says. It is a program of its own because its
// libraries are too large for this one.
func (h Host) certified(ctx context.Context, r certified.Request, log func(string)) (*certified.Answer, error) {
	path, _ := h.Env("EIDOS_SIGSTORE")
	return certified.Program{Path: path, Log: log}.Ask(ctx, r)
}

// product is the name that the machine's vendor gave it; "" if that is not known.
func product() string {
	name, _ := os.ReadFile("/sys/class/dmi/id/product_name")
	return strings.TrimSpace(string(name))
}
