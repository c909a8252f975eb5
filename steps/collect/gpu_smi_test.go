//go:build cgo && linux

package collect

import (
	"bytes"
	"cmp"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/NVIDIA/go-nvml/pkg/nvml"
	"github.com/NVIDIA/go-nvml/pkg/nvml/mock"
	gocmp "github.com/google/go-cmp/cmp"

	"github.com/NVIDIA/eidos/schema"
)

// smiLog is what the collector and `nvidia-smi -q -x` both have.
type smiLog struct {
	Driver string   `xml:"driver_version"`
	CUDA   string   `xml:"cuda_version"`
	Count  int64    `xml:"attached_gpus"`
	GPUs   []smiGPU `xml:"gpu"`
}

type smiGPU struct {
	Name          string `xml:"product_name"`
	Architecture  string `xml:"product_architecture"`
	DisplayMode   string `xml:"display_mode"`
	Attached      string `xml:"display_attached"`
	DisplayActive string `xml:"display_active"`
	Persistence   string `xml:"persistence_mode"`
	Addressing    string `xml:"addressing_mode"`
	MIG           string `xml:"mig_mode>current_mig"`
	MIGPending    string `xml:"mig_mode>pending_mig"`
	Serial        string `xml:"serial"`
	UUID          string `xml:"uuid"`
	VBIOS         string `xml:"vbios_version"`
	GSP           string `xml:"gsp_firmware_version"`
	BusID         string `xml:"pci>pci_bus_id"`
	Memory        string `xml:"fb_memory_usage>total"`
	ECC           string `xml:"ecc_mode>current_ecc"`
	ECCPending    string `xml:"ecc_mode>pending_ecc"`
	PowerLimit    string `xml:"gpu_power_readings>current_power_limit"`
}

// noValue is how nvidia-smi writes that there is no value.
var noValue = regexp.MustCompile(`^(N/A|\[N/A\]|Requested functionality has been deprecated)$`)

// device is what the collector has to read of the GPU of that index. links is
// `nvidia-smi nvlink -s`.
func (g smiGPU) device(index int, links string) data {
	out := data{"index": int64(index)}
	set := func(key, value string) {
		if value != "" && !noValue.MatchString(value) {
			out[key] = value
		}
	}
	set("model", g.Name)
	set("architecture", g.Architecture)
	set("display-mode", g.DisplayMode)
	// Since drivers of branch 580 the same answer of NVML has this name.
	set("display-mode", map[string]string{"Yes": "Enabled", "No": "Disabled"}[g.Attached])
	set("display-active", g.DisplayActive)
	set("persistence-mode", g.Persistence)
	set("addressing-mode", g.Addressing)
	set("serial", g.Serial)
	set("uuid", g.UUID)
	set("vbios-version", g.VBIOS)
	set("gsp-firmware-version", g.GSP)
	set("pci-bus-id", g.BusID)
	set("ecc-mode", g.ECC)
	if g.ECCPending != g.ECC {
		set("ecc-mode-pending", g.ECCPending)
	}
	set("mig-mode", g.MIG)
	if g.MIGPending != g.MIG {
		set("mig-mode-pending", g.MIGPending)
	}
	if mib, err := strconv.ParseUint(strings.TrimSuffix(g.Memory, " MiB"), 10, 64); err == nil {
		out["memory-bytes"] = mib << 20
	}
	if w, err := strconv.ParseFloat(strings.TrimSuffix(g.PowerLimit, " W"), 64); err == nil {
		out["power-limit-watts"] = w
	}
	if n, known := activeLinks(index, links); known {
		out["nvlink-active"] = n
	}
	return out
}

// activeLinks counts the links of one GPU that have a speed. known is false if the
// GPU has none, active or not.
func activeLinks(index int, text string) (n int64, known bool) {
	on := false
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, "GPU ") {
			on = strings.HasPrefix(line, fmt.Sprintf("GPU %d:", index))
		}
		if on && strings.HasPrefix(strings.TrimSpace(line), "Link ") {
			known = true
			if strings.Contains(line, "GB/s") {
				n++
			}
		}
	}
	return n, known
}

// sameAsSMI compares what the collector read with what nvidia-smi printed of the
// same host.
func sameAsSMI(t *testing.T, rs []result, query []byte, links string) {
	t.Helper()
	var log smiLog
	d := xml.NewDecoder(bytes.NewReader(query))
	d.Strict = false // it names a DTD of its own
	if err := d.Decode(&log); err != nil {
		t.Fatal(err)
	}
	if int(log.Count) != len(log.GPUs) || log.Count == 0 {
		t.Fatalf("nvidia-smi lists %d of %d GPUs", len(log.GPUs), log.Count)
	}
	smi, device := subtype(t, rs, "smi"), subtype(t, rs, "device")
	want := data{"driver": log.Driver, "cuda-version": log.CUDA, "gpu-count": log.Count}
	got := data{"driver": smi["driver"], "cuda-version": smi["cuda-version"], "gpu-count": smi["gpu-count"]}
	for i, g := range log.GPUs {
		for k, v := range g.device(i, links) {
			want[fmt.Sprintf("%d.%s", i, k)] = v
		}
	}
	for k, v := range device {
		switch _, attr, _ := strings.Cut(k, "."); attr {
		case "memory-bytes": // nvidia-smi rounds
			v = v.(uint64) >> 20 << 20
		case "nvlink-peers": // nvidia-smi has no list of the other ends
			continue
		}
		got[k] = v
	}
	if d := gocmp.Diff(want, got); d != "" {
		t.Errorf("nvidia-smi (-) and the collector (+) differ:\n%s", d)
	}
	for key, attr := range summarised {
		var all []attributes
		for i := range log.GPUs {
			all = append(all, attributes{attr: got[fmt.Sprintf("%d.%s", i, attr)]})
			if all[i][attr] == nil {
				delete(all[i], attr)
			}
		}
		if w := distinct(all, attr); w != "" && smi[key] != w {
			t.Errorf("%s is %v in the summary, %s in the GPUs", key, smi[key], w)
		}
	}
}

// calls are what a library returned, by call: GetUUID, GetNvLinkState(3).
type calls map[string][]json.RawMessage

// recording is what NVML returned on a real host.
type recording struct {
	System  calls
	Devices []calls
}

// systemCalls, deviceCalls and linkCalls are those of the collector; the last take
// the number of a link.
var (
	systemCalls = []string{"DeviceGetCount", "SystemGetDriverVersion", "SystemGetCudaDriverVersion"}
	deviceCalls = []string{"GetUUID", "GetName", "GetArchitecture", "GetMemoryInfo", "GetPciInfo", "GetVbiosVersion", "GetGspFirmwareVersion",
		"GetPersistenceMode", "GetDisplayActive", "GetDisplayMode", "GetAddressingMode", "GetPowerManagementLimit", "GetSerial", "GetEccMode", "GetMigMode"}
	linkCalls = []string{"GetNvLinkState", "GetNvLinkRemoteDeviceType", "GetNvLinkRemotePciInfo"}
)

// replay makes the mock at m return what was recorded; a call that was not is a
// failure of t.
func (c calls) replay(t *testing.T, m any, methods ...string) {
	for _, method := range methods {
		f := reflect.ValueOf(m).Elem().FieldByName(method + "Func")
		f.Set(reflect.MakeFunc(f.Type(), func(in []reflect.Value) []reflect.Value {
			key := method
			if len(in) > 0 {
				key = fmt.Sprintf("%s(%d)", method, in[0].Int())
			}
			recorded, ok := c[key]
			if !ok {
				t.Fatalf("%s was not recorded", key)
			}
			var out []reflect.Value
			for i, text := range recorded {
				v := reflect.New(f.Type().Out(i))
				if err := json.Unmarshal(text, v.Interface()); err != nil {
					t.Fatalf("%s: %v", key, err)
				}
				out = append(out, v.Elem())
			}
			return out
		}))
	}
}

// replayed is a library that returns what the file at path recorded.
func replayed(t *testing.T, path string) nvml.Interface {
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var r recording
	if err := json.Unmarshal(text, &r); err != nil {
		t.Fatal(err)
	}
	lib := &mock.Interface{
		InitFunc:     func() nvml.Return { return nvml.SUCCESS },
		ShutdownFunc: func() nvml.Return { return nvml.SUCCESS },
		ExtensionsFunc: func() nvml.ExtendedInterface {
			return &mock.ExtendedInterface{LookupSymbolFunc: func(string) error { return nil }}
		},
		DeviceGetHandleByIndexFunc: func(i int) (nvml.Device, nvml.Return) {
			d := &mock.Device{}
			r.Devices[i].replay(t, d, append(deviceCalls, linkCalls...)...)
			return d, nvml.SUCCESS
		},
	}
	r.System.replay(t, lib, systemCalls...)
	return lib
}

// TestGPURecorded reads what NVML returned on real hosts, and compares with what
// nvidia-smi printed there. `make gpu` records.
func TestGPURecorded(t *testing.T) {
	hosts, err := filepath.Glob("testdata/gpu/*/nvml.json")
	if err != nil || len(hosts) == 0 {
		t.Fatalf("no recordings: %v", err)
	}
	for _, path := range hosts {
		dir := filepath.Dir(path)
		t.Run(filepath.Base(dir), func(t *testing.T) {
			query, err := os.ReadFile(filepath.Join(dir, "nvidia-smi.xml"))
			links, err2 := os.ReadFile(filepath.Join(dir, "nvlink.txt"))
			if err := cmp.Or(err, err2); err != nil {
				t.Fatal(err)
			}
			sameAsSMI(t, readNVML(t, replayed(t, path), schema.CollectParams{Serials: true}), query, string(links))
		})
	}
}
