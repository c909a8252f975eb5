//go:build cgo && linux

package collect

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/NVIDIA/go-nvml/pkg/nvml"

	"github.com/NVIDIA/eidos/schema"
)

// attributes are what is known of one GPU, by key.
type attributes map[string]schema.Scalar

// device reads attributes of one GPU. An attribute that the GPU or the driver
// does not have is left out; the first other failure ends the reading.
type device struct {
	nvml.Device
	lib nvml.Interface
	out attributes
	err error
}

// readDevice reads the GPU of that index. Beside an error stands what was read
// before it.
func readDevice(lib nvml.Interface, index int, serial bool) (attributes, error) {
	h, ret := lib.DeviceGetHandleByIndex(index)
	if ret != nvml.SUCCESS {
		return attributes{}, errors.New(ret.Error())
	}
	d := &device{Device: h, lib: lib, out: attributes{}}
	get(d, "uuid", "nvmlDeviceGetUUID", h.GetUUID, text)
	get(d, "model", "nvmlDeviceGetName", h.GetName, text)
	get(d, "architecture", "nvmlDeviceGetArchitecture", h.GetArchitecture, architecture)
	get(d, "memory-bytes", "nvmlDeviceGetMemoryInfo", h.GetMemoryInfo, func(m nvml.Memory) schema.Scalar { return m.Total })
	get(d, "pci-bus-id", "nvmlDeviceGetPciInfo", h.GetPciInfo, func(p nvml.PciInfo) schema.Scalar { return text(busID(p)) })
	get(d, "vbios-version", "nvmlDeviceGetVbiosVersion", h.GetVbiosVersion, text)
	get(d, "gsp-firmware-version", "nvmlDeviceGetGspFirmwareVersion", h.GetGspFirmwareVersion, text)
	get(d, "persistence-mode", "nvmlDeviceGetPersistenceMode", h.GetPersistenceMode, enabled)
	get(d, "display-active", "nvmlDeviceGetDisplayActive", h.GetDisplayActive, enabled)
	get(d, "display-mode", "nvmlDeviceGetDisplayMode", h.GetDisplayMode, enabled)
	get(d, "addressing-mode", "nvmlDeviceGetAddressingMode", h.GetAddressingMode, addressing)
	get(d, "power-limit-watts", "nvmlDeviceGetPowerManagementLimit", h.GetPowerManagementLimit,
		func(mw uint32) schema.Scalar { return float64(mw) / 1000 })
	if serial {
		get(d, "serial", "nvmlDeviceGetSerial", h.GetSerial, text)
	}
	d.ecc()
	d.mig()
	d.nvlink()
	return d.out, d.err
}

// has reports whether the loaded library exports symbol. Calling into one that
// it lacks, because the driver is older than these bindings, would end the
// process.
func (d *device) has(symbol string) bool { return d.lib.Extensions().LookupSymbol(symbol) == nil }

// get stores one attribute, unless the library, the GPU or the user's rights
// do not allow it, or it is empty.
func get[T any](d *device, key, symbol string, f func() (T, nvml.Return), show func(T) schema.Scalar) {
	if d.err != nil || !d.has(symbol) {
		return
	}
	v, ret := f()
	if !d.ok(ret) {
		return
	}
	if s := show(v); s != nil {
		d.out[key] = s
	}
}

// ok reports whether ret came with a value, and keeps what means that the GPU
// does not work.
func (d *device) ok(ret nvml.Return) bool {
	switch ret {
	case nvml.SUCCESS:
		return true
	case nvml.ERROR_NOT_SUPPORTED, nvml.ERROR_NO_PERMISSION, nvml.ERROR_FUNCTION_NOT_FOUND,
		nvml.ERROR_ARGUMENT_VERSION_MISMATCH, nvml.ERROR_INVALID_ARGUMENT, nvml.ERROR_NOT_FOUND:
	default:
		d.err = errors.Join(d.err, errors.New(ret.Error()))
	}
	return false
}

func (d *device) ecc() {
	if d.err != nil || !d.has("nvmlDeviceGetEccMode") {
		return
	}
	if current, pending, ret := d.GetEccMode(); d.ok(ret) {
		d.out["ecc-mode"] = enabled(current)
		if pending != current {
			d.out["ecc-mode-pending"] = enabled(pending)
		}
	}
}

// mig reads the MIG mode and, where it is on, the instances as their profiles'
// names, sorted.
func (d *device) mig() {
	if d.err != nil || !d.has("nvmlDeviceGetMigMode") {
		return
	}
	current, pending, ret := d.GetMigMode()
	if !d.ok(ret) {
		return
	}
	d.out["mig-mode"] = enabled(nvml.EnableState(current))
	if pending != current {
		d.out["mig-mode-pending"] = enabled(nvml.EnableState(pending))
	}
	if current != nvml.DEVICE_MIG_ENABLE || !d.has("nvmlDeviceGetMaxMigDeviceCount") || !d.has("nvmlDeviceGetMigDeviceHandleByIndex") {
		return
	}
	most, ret := d.GetMaxMigDeviceCount()
	if !d.ok(ret) {
		return
	}
	var names []string
	for i := range most {
		inst, ret := d.GetMigDeviceHandleByIndex(i)
		if ret == nvml.ERROR_NOT_FOUND || !d.ok(ret) {
			continue // a slot that holds no instance
		}
		name, ret := inst.GetName()
		if d.ok(ret) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	d.out["mig-instances"] = strings.Join(names, ", ")
}

// nvlink counts the active links by what is at their other end: the PCI bus id
// of a GPU, or a switch, which has none that matters.
func (d *device) nvlink() {
	if d.err != nil || !d.has("nvmlDeviceGetNvLinkState") {
		return
	}
	links := map[string]int{}
	active := 0
	for l := range nvml.NVLINK_MAX_LINKS {
		state, ret := d.GetNvLinkState(l)
		if ret != nvml.SUCCESS {
			if ret == nvml.ERROR_NOT_SUPPORTED && l == 0 {
				return
			}
			continue // the GPU has fewer links
		}
		if state == nvml.FEATURE_ENABLED {
			active++
			links[d.peer(l)]++
		}
	}
	d.out["nvlink-active"] = int64(active)
	var peers []string
	for p, n := range links {
		peers = append(peers, fmt.Sprintf("%s x%d", p, n))
	}
	slices.Sort(peers)
	if len(peers) > 0 {
		d.out["nvlink-peers"] = strings.Join(peers, ", ")
	}
}

// peer names the other end of an active link.
func (d *device) peer(link int) string {
	if d.has("nvmlDeviceGetNvLinkRemoteDeviceType") {
		switch t, ret := d.GetNvLinkRemoteDeviceType(link); {
		case ret == nvml.SUCCESS && t == nvml.NVLINK_DEVICE_TYPE_SWITCH:
			return "switch"
		case ret == nvml.SUCCESS && t == nvml.NVLINK_DEVICE_TYPE_IBMNPU:
			return "cpu"
		}
	}
	if d.has("nvmlDeviceGetNvLinkRemotePciInfo") {
		if p, ret := d.GetNvLinkRemotePciInfo(link); ret == nvml.SUCCESS && busID(p) != "" {
			return busID(p)
		}
	}
	return "unknown"
}

// busID is the PCI bus id as nvidia-smi prints it, 00000000:19:00.0.
func busID(p nvml.PciInfo) string {
	var b strings.Builder
	for _, c := range p.BusId {
		if c == 0 {
			break
		}
		b.WriteByte(byte(c))
	}
	return b.String()
}

func text(s string) schema.Scalar {
	if s == "" {
		return nil
	}
	return strings.ToValidUTF8(s, "�")
}

func enabled(s nvml.EnableState) schema.Scalar {
	if s == nvml.FEATURE_ENABLED {
		return "Enabled"
	}
	return "Disabled"
}

func addressing(m nvml.DeviceAddressingMode) schema.Scalar {
	switch nvml.DeviceAddressingModeType(m.Value) {
	case nvml.DEVICE_ADDRESSING_MODE_HMM:
		return "HMM"
	case nvml.DEVICE_ADDRESSING_MODE_ATS:
		return "ATS"
	}
	return "None"
}

// architecture names what NVML numbers (nvmlDeviceArchitecture_t), in
// nvidia-smi's words.
func architecture(a nvml.DeviceArchitecture) schema.Scalar {
	names := map[nvml.DeviceArchitecture]string{
		nvml.DEVICE_ARCH_KEPLER:    "Kepler",
		nvml.DEVICE_ARCH_MAXWELL:   "Maxwell",
		nvml.DEVICE_ARCH_PASCAL:    "Pascal",
		nvml.DEVICE_ARCH_VOLTA:     "Volta",
		nvml.DEVICE_ARCH_TURING:    "Turing",
		nvml.DEVICE_ARCH_AMPERE:    "Ampere",
		nvml.DEVICE_ARCH_ADA:       "Ada Lovelace",
		nvml.DEVICE_ARCH_HOPPER:    "Hopper",
		nvml.DEVICE_ARCH_BLACKWELL: "Blackwell",
		nvml.DEVICE_ARCH_RUBIN:     "Rubin",
	}
	if n, ok := names[a]; ok {
		return n
	}
	return fmt.Sprintf("unknown (%d)", a)
}

// distinct joins the different values that the GPUs have for one attribute.
func distinct(gpus []attributes, attr string) string {
	var vals []string
	for _, g := range gpus {
		if v, ok := g[attr]; ok {
			vals = append(vals, fmt.Sprint(v))
		}
	}
	slices.Sort(vals)
	return strings.Join(slices.Compact(vals), ", ")
}
