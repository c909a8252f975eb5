//go:build cgo && linux && gpu

package collect

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"testing"
	"testing/fstest"
	"time"

	"github.com/NVIDIA/go-nvml/pkg/nvml"

	"github.com/NVIDIA/eidos/schema"
)

// TestGPUHere compares the collector with nvidia-smi on a host with GPUs. With
// EIDOS_RECORD, a directory, it keeps what both returned.
func TestGPUHere(t *testing.T) {
	query, err := exec.CommandContext(t.Context(), "nvidia-smi", "-q", "-x").Output()
	if err != nil {
		t.Fatal(err)
	}
	links, err := exec.CommandContext(t.Context(), "nvidia-smi", "nvlink", "-s").CombinedOutput()
	if err != nil {
		t.Logf("nvidia-smi nvlink -s: %v", err)
	}
	if dir := os.Getenv("EIDOS_RECORD"); dir != "" {
		for name, text := range map[string][]byte{"nvml.json": recordHere(t), "nvidia-smi.xml": query, "nvlink.txt": links} {
			if err := os.WriteFile(filepath.Join(dir, name), text, 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	start := time.Now()
	rs := readSource(t.Context(), GPUFrom(nvml.New(), fstest.MapFS{}), schema.CollectParams{Serials: true}, []schema.Collector{"gpu"}, defaultTimeout)
	t.Logf("collected in %v: %+v", time.Since(start), statuses(rs))
	sameAsSMI(t, rs, query, string(links))
}

func recordHere(t *testing.T) []byte {
	lib := nvml.New()
	if ret := lib.Init(); ret != nvml.SUCCESS {
		t.Fatal(ret)
	}
	defer lib.Shutdown()
	r := recording{System: calls{}}
	record := func(c calls, v any, method string, args ...int) {
		if err := c.record(v, method, args...); err != nil {
			t.Fatal(err)
		}
	}
	for _, method := range systemCalls {
		record(r.System, lib, method)
	}
	n, _ := lib.DeviceGetCount()
	for i := range n {
		d, ret := lib.DeviceGetHandleByIndex(i)
		if ret != nvml.SUCCESS {
			t.Fatal(ret)
		}
		c := calls{}
		for _, method := range deviceCalls {
			record(c, d, method)
		}
		for _, method := range linkCalls {
			for l := range nvml.NVLINK_MAX_LINKS {
				record(c, d, method, l)
			}
		}
		r.Devices = append(r.Devices, c)
	}
	text, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	return append(text, '\n')
}

// record calls a method of v and keeps what it returned.
func (c calls) record(v any, method string, args ...int) error {
	var in []reflect.Value
	key := method
	for _, a := range args {
		in = append(in, reflect.ValueOf(a))
		key = fmt.Sprintf("%s(%d)", method, a)
	}
	for _, out := range reflect.ValueOf(v).MethodByName(method).Call(in) {
		text, err := json.Marshal(out.Interface())
		if err != nil {
			return fmt.Errorf("%s: %w", key, err)
		}
		c[key] = append(c[key], text)
	}
	return nil
}
