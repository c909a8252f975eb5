//go:build cgo && linux

package collect

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"testing"
	"testing/fstest"

	"github.com/NVIDIA/go-nvml/pkg/nvml"
	"github.com/NVIDIA/go-nvml/pkg/nvml/mock"
	"github.com/NVIDIA/go-nvml/pkg/nvml/mock/dgxa100"
	"github.com/NVIDIA/go-nvml/pkg/nvml/mock/dgxb200"
	"github.com/NVIDIA/go-nvml/pkg/nvml/mock/dgxh100"
	"github.com/NVIDIA/go-nvml/pkg/nvml/mock/dgxh200"
	"github.com/NVIDIA/go-nvml/pkg/nvml/mock/server"
	"github.com/google/go-cmp/cmp"

	"github.com/NVIDIA/eidos/schema"
)

func readNVML(t *testing.T, lib nvml.Interface, p schema.CollectParams) []result {
	t.Helper()
	return readSource(t.Context(), GPUFrom(lib, fstest.MapFS{}), p, []schema.Collector{"gpu"}, defaultTimeout)
}

// subtype returns one subtype of what was read.
func subtype(t *testing.T, rs []result, name string) data {
	t.Helper()
	if d := subtypeOf(rs, name); d != nil {
		return d
	}
	t.Fatalf("no subtype %s in %+v", name, statuses(rs))
	return nil
}

// finish gives a mock server's GPUs what the DGX mocks leave out. All GPUs are
// linked to a switch, as on a DGX.
func finish(s *server.Server) {
	for i, d := range s.Devices {
		m := &d.(*server.Device).Device
		id := fmt.Sprintf("00000000:%02X:00.0", 0x19+i)
		m.GetPciInfoFunc = func() (p nvml.PciInfo, _ nvml.Return) {
			for j, c := range id {
				p.BusId[j] = int8(c)
			}
			return p, nvml.SUCCESS
		}
		m.GetVbiosVersionFunc = func() (string, nvml.Return) { return "96.00.BC.00.01", nvml.SUCCESS }
		m.GetGspFirmwareVersionFunc = func() (string, nvml.Return) { return "570.133.20", nvml.SUCCESS }
		m.GetPersistenceModeFunc = func() (nvml.EnableState, nvml.Return) { return nvml.FEATURE_ENABLED, nvml.SUCCESS }
		m.GetDisplayActiveFunc = func() (nvml.EnableState, nvml.Return) { return nvml.FEATURE_DISABLED, nvml.SUCCESS }
		m.GetDisplayModeFunc = func() (nvml.EnableState, nvml.Return) { return nvml.FEATURE_DISABLED, nvml.SUCCESS }
		m.GetAddressingModeFunc = func() (nvml.DeviceAddressingMode, nvml.Return) {
			return nvml.DeviceAddressingMode{Value: uint32(nvml.DEVICE_ADDRESSING_MODE_HMM)}, nvml.SUCCESS
		}
		m.GetPowerManagementLimitFunc = func() (uint32, nvml.Return) { return 700000, nvml.SUCCESS }
		m.GetSerialFunc = func() (string, nvml.Return) { return fmt.Sprintf("S%d", i), nvml.SUCCESS }
		m.GetEccModeFunc = func() (nvml.EnableState, nvml.EnableState, nvml.Return) {
			return nvml.FEATURE_ENABLED, nvml.FEATURE_DISABLED, nvml.SUCCESS
		}
		m.GetNvLinkStateFunc = func(l int) (nvml.EnableState, nvml.Return) {
			if l >= 18 {
				return 0, nvml.ERROR_INVALID_ARGUMENT
			}
			return nvml.FEATURE_ENABLED, nvml.SUCCESS
		}
		m.GetNvLinkRemoteDeviceTypeFunc = func(int) (nvml.IntNvLinkDeviceType, nvml.Return) {
			return nvml.NVLINK_DEVICE_TYPE_SWITCH, nvml.SUCCESS
		}
	}
}

func TestGPUDGX(t *testing.T) {
	tests := []struct {
		name        string
		s           *server.Server
		model, arch string
		cuda        string
	}{
		{"A100", dgxa100.New(), "Mock NVIDIA A100-SXM4-40GB", "Ampere", "12.4"},
		{"H100", dgxh100.New(), "NVIDIA H100 80GB HBM3", "Hopper", "12.4"},
		{"H200", dgxh200.New(), "NVIDIA H200 141GB HBM3e", "Hopper", "12.4"},
		{"B200", dgxb200.New(), "NVIDIA B200 180GB HBM3e", "Blackwell", "12.6"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			finish(tt.s)
			rs := readNVML(t, tt.s, schema.CollectParams{})
			want := data{
				"driver": tt.s.DriverVersion, "cuda-version": tt.cuda, "gpu-count": int64(8), "gpu.model": tt.model,
				"gpu.product-architecture": tt.arch, "gpu.vbios-version": "96.00.BC.00.01", "gpu.persistence-mode": "Enabled",
				"gpu.addressing-mode": "HMM", "gpu.display-active": "Disabled", "gpu.display-mode": "Disabled", "gpu.gsp-firmware-version": "570.133.20",
			}
			if d := cmp.Diff(want, subtype(t, rs, "smi")); d != "" {
				t.Error(d)
			}
			got := data{}
			for k, v := range subtype(t, rs, "device") {
				if k[0] == '7' {
					got[k[2:]] = v
				}
			}
			d7 := tt.s.Devices[7].(*server.Device)
			want = data{
				"index": int64(7), "uuid": d7.UUID, "model": tt.model, "architecture": tt.arch, "memory-bytes": d7.MemoryInfo.Total,
				"pci-bus-id": "00000000:20:00.0", "vbios-version": "96.00.BC.00.01", "gsp-firmware-version": "570.133.20",
				"persistence-mode": "Enabled", "display-active": "Disabled", "display-mode": "Disabled", "addressing-mode": "HMM",
				"power-limit-watts": 700.0, "ecc-mode": "Enabled", "ecc-mode-pending": "Disabled", "mig-mode": "Disabled",
				"nvlink-active": int64(18), "nvlink-peers": "switch x18",
			}
			if d := cmp.Diff(want, got); d != "" {
				t.Error(d)
			}
		})
	}
}

func TestGPUSerialsOnlyWhenAsked(t *testing.T) {
	s := dgxh100.New()
	finish(s)
	if v, ok := subtype(t, readNVML(t, s, schema.CollectParams{}), "device")["0.serial"]; ok {
		t.Errorf("serial %v was not asked for", v)
	}
	if got := subtype(t, readNVML(t, s, schema.CollectParams{Serials: true}), "device")["3.serial"]; got != "S3" {
		t.Errorf("got %v", got)
	}
}

// GPUs that differ, MIG instances, a GPU that fell off the bus, and peers that
// are GPUs.
func TestGPUDifferences(t *testing.T) {
	s := dgxh100.New()
	finish(s)
	dev := func(i int) *mock.Device { return &s.Devices[i].(*server.Device).Device }
	dev(0).GetVbiosVersionFunc = func() (string, nvml.Return) { return "97", nvml.SUCCESS }
	dev(1).GetUUIDFunc = func() (string, nvml.Return) { return "", nvml.ERROR_GPU_IS_LOST }
	dev(2).GetMigModeFunc = func() (int, int, nvml.Return) { return nvml.DEVICE_MIG_ENABLE, nvml.DEVICE_MIG_DISABLE, nvml.SUCCESS }
	dev(2).GetMaxMigDeviceCountFunc = func() (int, nvml.Return) { return 7, nvml.SUCCESS }
	dev(2).GetMigDeviceHandleByIndexFunc = func(i int) (nvml.Device, nvml.Return) {
		if i > 1 {
			return nil, nvml.ERROR_NOT_FOUND
		}
		return &mock.Device{GetNameFunc: func() (string, nvml.Return) { return []string{"MIG 4g.40gb", "MIG 3g.40gb"}[i], nvml.SUCCESS }}, nvml.SUCCESS
	}
	dev(3).GetNvLinkRemoteDeviceTypeFunc = func(int) (nvml.IntNvLinkDeviceType, nvml.Return) {
		return nvml.NVLINK_DEVICE_TYPE_GPU, nvml.SUCCESS
	}
	dev(3).GetNvLinkRemotePciInfoFunc = func(l int) (nvml.PciInfo, nvml.Return) { return dev(4 + l%2).GetPciInfo() }
	dev(4).GetNvLinkStateFunc = func(int) (nvml.EnableState, nvml.Return) { return 0, nvml.ERROR_NOT_SUPPORTED }
	dev(5).GetPersistenceModeFunc = func() (nvml.EnableState, nvml.Return) { return 0, nvml.ERROR_NO_PERMISSION }

	rs := readNVML(t, s, schema.CollectParams{})
	device := subtype(t, rs, "device")
	want := data{
		"1.error": "ERROR_GPU_IS_LOST", "2.mig-mode": "Enabled", "2.mig-mode-pending": "Disabled", "2.mig-instances": "MIG 3g.40gb, MIG 4g.40gb",
		"3.nvlink-peers": "00000000:1D:00.0 x9, 00000000:1E:00.0 x9", "4.nvlink-active": nil, "5.persistence-mode": nil, "1.uuid": nil, "1.index": int64(1),
	}
	got := data{}
	for k := range want {
		got[k] = device[k]
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	if v := subtype(t, rs, "smi")["gpu.vbios-version"]; v != "96.00.BC.00.01, 97" {
		t.Errorf("vbios %v", v)
	}
	if d := cmp.Diff([]schema.CollectorStatus{{Name: "gpu", Status: "ok", Reason: "GPU 1: ERROR_GPU_IS_LOST"}}, statuses(rs)); d != "" {
		t.Error(d)
	}
}

func TestGPUInit(t *testing.T) {
	tests := []struct {
		ret    nvml.Return
		status string
		code   schema.Code
	}{
		{nvml.ERROR_LIBRARY_NOT_FOUND, "absent", schema.Failed},
		{nvml.ERROR_DRIVER_NOT_LOADED, "absent", schema.Failed},
		{nvml.ERROR_LIB_RM_VERSION_MISMATCH, "failed", schema.Failed},
		{nvml.ERROR_NO_PERMISSION, "failed", schema.Unauthorized},
		{nvml.ERROR_UNKNOWN, "failed", schema.Failed},
	}
	for _, tt := range tests {
		rs := readNVML(t, &mock.Interface{InitFunc: func() nvml.Return { return tt.ret }}, schema.CollectParams{})
		if got := statuses(rs)[0]; got.Status != tt.status || schema.CodeOf(rs[0].err) != tt.code {
			t.Errorf("%v: %+v, code %s", tt.ret, got, schema.CodeOf(rs[0].err))
		}
	}
}

// build compiles testdata/nvml/nvml.c to a library of the driver's name.
func build(t *testing.T) string {
	t.Helper()
	cc, err := exec.LookPath("gcc")
	if err != nil {
		t.Skip("no gcc here to build the library with")
	}
	lib := filepath.Join(t.TempDir(), "libnvidia-ml.so.1")
	if out, err := exec.CommandContext(t.Context(), cc, "-shared", "-fPIC", "-o", lib, "testdata/nvml/nvml.c").CombinedOutput(); err != nil {
		t.Fatalf("building the library: %v\n%s", err, out)
	}
	return lib
}

// The real path: dlopen, versioned symbols, calls through cgo, and a driver
// that lacks most of what the bindings know.
func TestGPURealLibrary(t *testing.T) {
	lib := build(t)
	read := func(t *testing.T, mode string) []result {
		t.Setenv("FAKE_NVML", mode)
		return readNVML(t, nvml.New(nvml.WithLibraryPath(lib)), schema.CollectParams{Serials: true})
	}
	t.Run("two GPUs", func(t *testing.T) {
		want := []schema.Measurement{{Type: "GPU", Subtypes: []schema.Subtype{
			{Subtype: "device", Data: data{
				"0.index": int64(0), "0.uuid": "GPU-0", "0.model": "A100-SXM4-40GB", "0.architecture": "Ampere", "0.serial": "S0", "0.persistence-mode": "Enabled", "0.memory-bytes": uint64(40 << 30),
				"1.index": int64(1), "1.uuid": "GPU-1", "1.model": "A100-SXM4-80GB", "1.architecture": "Ampere", "1.serial": "S1", "1.persistence-mode": "Disabled", "1.memory-bytes": uint64(40 << 30),
			}},
			{Subtype: "smi", Data: data{
				"driver": "450.80.02", "cuda-version": "11.0", "gpu-count": int64(2), "gpu.model": "A100-SXM4-40GB, A100-SXM4-80GB",
				"gpu.product-architecture": "Ampere", "gpu.persistence-mode": "Disabled, Enabled",
			}},
		}}}
		if d := cmp.Diff(want, measurements(read(t, ""))); d != "" {
			t.Error(d)
		}
	})
	t.Run("one is lost", func(t *testing.T) {
		rs := read(t, "lost")
		if got := subtype(t, rs, "device")["1.error"]; got != "GPU is lost" {
			t.Errorf("got %v", got)
		}
	})
	t.Run("driver not loaded", func(t *testing.T) {
		if d := cmp.Diff([]schema.CollectorStatus{{Name: "gpu", Status: "absent", Reason: "NVIDIA driver not loaded"}}, statuses(read(t, "unloaded"))); d != "" {
			t.Error(d)
		}
	})
	t.Run("no library", func(t *testing.T) {
		rs := readNVML(t, nvml.New(nvml.WithLibraryPath(filepath.Join(t.TempDir(), "libnvidia-ml.so.1"))), schema.CollectParams{})
		if d := cmp.Diff([]schema.CollectorStatus{{Name: "gpu", Status: "absent", Reason: "no NVIDIA driver: libnvidia-ml.so.1 not found"}}, statuses(rs)); d != "" {
			t.Error(d)
		}
	})
}
