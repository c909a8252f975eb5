package collect

import (
	"context"
	"fmt"
	"io/fs"
	"path"
	"strings"

	"github.com/NVIDIA/eidos/schema"
)

// pciDevices is where the kernel shows every PCI device, also in a container.
// See Documentation/ABI/testing/sysfs-bus-pci.
const pciDevices = "sys/bus/pci/devices"

// undriven is the part of a host whose driver does not answer, as err says: the
// GPUs that the PCI bus has.
func undriven(root fs.FS, err error) []Part {
	return []Part{{"gpu", "", "GPU", func(context.Context) (Reading, error) {
		data, n := pciGPUs(root)
		if n == 0 {
			return Reading{}, err
		}
		if IsAbsent(err) {
			err = Absent("%w; the PCI bus has %d NVIDIA GPUs", err, n)
		}
		return one("pci", data), err
	}}}
}

// pciGPUs are the GPUs of NVIDIA on the bus of the host at root, in the order of
// their addresses, and how many there are. A device that cannot be read is left
// out: what is on the bus is a hint where nothing better is to be had.
func pciGPUs(root fs.FS) (map[string]schema.Scalar, int) {
	devices, err := fs.ReadDir(root, pciDevices)
	if err != nil {
		return nil, 0 // a host without PCI, or a sandbox without sysfs
	}
	data := map[string]schema.Scalar{}
	n := 0
	for _, d := range devices {
		attribute := func(name string) string {
			text, _ := readFile(root, path.Join(pciDevices, d.Name(), name), 64)
			return strings.TrimPrefix(strings.TrimSpace(string(text)), "0x")
		}
		// 0300 is a VGA controller, 0302 a 3D controller; the last two digits of
		// six are the programming interface.
		class := attribute("class")
		if attribute("vendor") != "10de" || !strings.HasPrefix(class, "0300") && !strings.HasPrefix(class, "0302") {
			continue
		}
		set := func(key, value string) { data[fmt.Sprintf("%d.%s", n, key)] = value }
		set("pci-bus-id", d.Name())
		set("id", "10de:"+attribute("device"))
		set("class", class[:4])
		if driver, err := fs.ReadLink(root, path.Join(pciDevices, d.Name(), "driver")); err == nil {
			set("driver", path.Base(driver))
		}
		n++
	}
	return data, n
}
