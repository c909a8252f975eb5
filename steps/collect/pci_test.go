package collect

import (
	"context"
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/NVIDIA/eidos/schema"
)

// bus is a sysfs with one device at each address: vendor, device, class, driver.
func bus(devices map[string][4]string) fs.FS {
	out := fstest.MapFS{}
	for at, d := range devices {
		dir := pciDevices + "/" + at + "/"
		for i, name := range []string{"vendor", "device", "class"} {
			out[dir+name] = &fstest.MapFile{Data: []byte(d[i] + "\n")}
		}
		if d[3] != "" {
			out[dir+"driver"] = &fstest.MapFile{Data: []byte("../../../bus/pci/drivers/" + d[3]), Mode: fs.ModeSymlink}
		}
	}
	return out
}

// TestUndriven: a host without the driver shows the GPUs of its PCI bus, and the
// driver is absent all the same.
func TestUndriven(t *testing.T) {
	root := bus(map[string][4]string{
		"0000:19:00.0": {"0x10de", "0x2330", "0x030200", ""},
		"0000:1a:00.0": {"0x10de", "0x2330", "0x030200", "vfio-pci"},
		"0000:00:02.0": {"0x1a03", "0x2000", "0x030000", "ast"}, // another vendor
		"0000:05:00.0": {"0x10de", "0x22a3", "0x068000", ""},    // an NVSwitch
	})
	s := Source{Collectors: []schema.Collector{"gpu"}, Open: func(context.Context, schema.CollectParams, []schema.Collector) ([]Part, func(), error) {
		return undriven(root, Absent("no NVIDIA driver")), nil, nil
	}}
	rs := readSource(t.Context(), s, schema.CollectParams{}, s.Collectors, defaultTimeout)
	want := data{
		"0.pci-bus-id": "0000:19:00.0", "0.id": "10de:2330", "0.class": "0302",
		"1.pci-bus-id": "0000:1a:00.0", "1.id": "10de:2330", "1.class": "0302", "1.driver": "vfio-pci",
	}
	if d := cmp.Diff(want, subtypeOf(rs, "pci")); d != "" {
		t.Error(d)
	}
	if st := statuses(rs)[0]; st.Status != "absent" || st.Reason != "no NVIDIA driver; the PCI bus has 2 NVIDIA GPUs" {
		t.Errorf("%+v", st)
	}
	if err := problems(rs, schema.CollectParams{Require: []schema.CollectorPart{"gpu"}}); schema.CodeOf(err) != schema.NotFound {
		t.Errorf("a driver is required: %v", err)
	}
	for name, root := range map[string]fs.FS{"no sysfs": fstest.MapFS{}, "no GPU": bus(map[string][4]string{"0000:00:02.0": {"0x1a03", "0x2000", "0x030000", ""}})} {
		r, err := undriven(root, Absent("no NVIDIA driver"))[0].Read(t.Context())
		if len(r.Subtypes) != 0 || err.Error() != "no NVIDIA driver" {
			t.Errorf("%s: %+v %v", name, r, err)
		}
	}
	// What is there and does not start fails, beside what the bus shows.
	r, err := undriven(root, schema.Errorf(schema.Failed, "starting NVML"))[0].Read(t.Context())
	if len(r.Subtypes) != 1 || IsAbsent(err) || !strings.Contains(err.Error(), "starting NVML") {
		t.Errorf("%+v %v", r, err)
	}
}
