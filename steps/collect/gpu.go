//go:build cgo && linux

package collect

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"github.com/NVIDIA/go-nvml/pkg/nvml"

	"github.com/NVIDIA/eidos/schema"
)

// GPU is every NVIDIA GPU of this host, through libnvidia-ml.so.1.
func GPU() Source { return GPUFrom(nvml.New(), os.DirFS("/")) }

// GPUFrom is every GPU that lib shows or, where it does not start, that the PCI
// bus of the host at root has. Calls of lib go into the driver and cannot be
// cancelled.
func GPUFrom(lib nvml.Interface, root fs.FS) Source {
	return Source{
		Collectors: []schema.Collector{"gpu"},
		Open: func(_ context.Context, p schema.CollectParams, _ []schema.Collector) ([]Part, func(), error) {
			if err := initNVML(lib); err != nil {
				return undriven(root, err), nil, nil
			}
			read := func(context.Context) (Reading, error) { return readGPUs(lib, p.Serials) }
			return []Part{{"gpu", "", "GPU", read}}, func() { _ = lib.Shutdown() }, nil
		},
	}
}

// initNVML loads and starts the library. See nvmlInit_v2 in NVIDIA's NVML API
// reference for what it can return.
func initNVML(lib nvml.Interface) error {
	switch ret := lib.Init(); ret {
	case nvml.SUCCESS:
		return nil
	case nvml.ERROR_LIBRARY_NOT_FOUND:
		return Absent("no NVIDIA driver: libnvidia-ml.so.1 not found")
	case nvml.ERROR_DRIVER_NOT_LOADED:
		return Absent("NVIDIA driver not loaded")
	case nvml.ERROR_LIB_RM_VERSION_MISMATCH:
		return schema.Errorf(schema.Failed, "starting NVML: %w", ret).
			WithHint("the driver's library and its kernel module are of different versions: reload the module or restart the host")
	case nvml.ERROR_NO_PERMISSION:
		return schema.Errorf(schema.Unauthorized, "starting NVML: %w", ret).
			WithHint("this user may not open /dev/nvidiactl")
	default:
		return schema.Errorf(schema.Failed, "starting NVML: %w", ret)
	}
}

// readGPUs reads what all GPUs share and every GPU. A GPU that is there and
// does not answer is a fact of the snapshot, not the end of it.
func readGPUs(lib nvml.Interface, serials bool) (Reading, error) {
	n, ret := lib.DeviceGetCount()
	if ret != nvml.SUCCESS {
		return Reading{}, fmt.Errorf("counting GPUs: %w", ret)
	}
	smi := map[string]schema.Scalar{"gpu-count": int64(n)}
	if v, ret := lib.SystemGetDriverVersion(); ret == nvml.SUCCESS {
		smi["driver"] = v
	}
	if v, ret := lib.SystemGetCudaDriverVersion(); ret == nvml.SUCCESS {
		smi["cuda-version"] = fmt.Sprintf("%d.%d", v/1000, v%1000/10) // 12080 is 12.8
	}
	var gpus []attributes
	var notes []string
	device := map[string]schema.Scalar{}
	for i := range n {
		a, err := readDevice(lib, i, serials)
		if err != nil {
			notes = append(notes, fmt.Sprintf("GPU %d: %s", i, err))
			a["error"] = err.Error()
		}
		a["index"] = int64(i)
		for k, v := range a {
			device[fmt.Sprintf("%d.%s", i, k)] = v
		}
		gpus = append(gpus, a)
	}
	for key, attr := range summarised {
		if v := distinct(gpus, attr); v != "" {
			smi[key] = v
		}
	}
	r := Reading{Subtypes: []schema.Subtype{{Subtype: "smi", Data: smi}}, Note: strings.Join(notes, "; ")}
	if n > 0 {
		r.Subtypes = append(r.Subtypes, schema.Subtype{Subtype: "device", Data: device})
	}
	return r, nil
}

// summarised maps keys of the summary to the attribute of each GPU.
var summarised = map[string]string{
	"gpu.model":                "model",
	"gpu.product-architecture": "architecture",
	"gpu.vbios-version":        "vbios-version",
	"gpu.persistence-mode":     "persistence-mode",
	"gpu.addressing-mode":      "addressing-mode",
	"gpu.display-active":       "display-active",
	"gpu.display-mode":         "display-mode",
	"gpu.gsp-firmware-version": "gsp-firmware-version",
}
