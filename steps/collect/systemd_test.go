package collect

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"testing"

	godbus "github.com/godbus/dbus/v5"
	"github.com/google/go-cmp/cmp"

	"github.com/NVIDIA/eidos/schema"
)

// fakeBus answers with the properties of the units in the map; others do not
// exist.
type fakeBus struct {
	units  map[string]map[string]any
	err    error
	closed bool
}

func (b *fakeBus) GetAllPropertiesContext(_ context.Context, unit string) (map[string]any, error) {
	if b.err != nil {
		return nil, b.err
	}
	if p, ok := b.units[unit]; ok {
		return p, nil
	}
	return map[string]any{"Id": unit, "LoadState": "not-found", "ActiveState": "inactive", "SubState": "dead", "LimitNOFILE": uint64(1024)}, nil
}

func (b *fakeBus) Close() { b.closed = true }

func readBus(t *testing.T, dial func(context.Context) (Bus, error)) []result {
	t.Helper()
	return readSource(t.Context(), SystemD(dial), schema.CollectParams{}, []schema.Collector{"systemd"}, defaultTimeout)
}

func TestSystemD(t *testing.T) {
	bus := &fakeBus{units: map[string]map[string]any{"containerd.service": {
		"ActiveState":              "active",
		"LoadState":                "loaded",
		"Delegate":                 true,
		"LimitNOFILE":              uint64(18446744073709551615),
		"OOMScoreAdjust":           int32(-999),
		"UMask":                    uint32(18),
		"After":                    []string{"network.target", "dbus.service"},
		"Environment":              []string{"AWS_SECRET_ACCESS_KEY=hunter2"},
		"EnvironmentFiles":         [][]any{{"/etc/secret.env", false}},
		"PassEnvironment":          []string{"TOKEN"},
		"UnsetEnvironment":         []string{"X"},
		"LoadCredential":           [][]any{{"db", "/run/db"}},
		"SetCredentialEncrypted":   [][]any{{"db", []byte("hunter2")}},
		"ImportCredential":         []string{"x"},
		"StandardInputData":        []byte("hunter2"),
		"ExecStart":                [][]any{{"/usr/bin/containerd", []string{"/usr/bin/containerd", "--password", "hunter2"}, false, uint64(1754471111884832), uint64(240758742), uint64(0), uint64(0), uint32(38444), int32(0), int32(0)}},
		"RestrictAddressFamilies":  []any{false, []string{}},
		"RootHash":                 []byte{},
		"RestartPreventExitStatus": []any{[]int32{}, []int32{}},
	}}}
	rs := readBus(t, func(context.Context) (Bus, error) { return bus, nil })
	missing := func(unit string) schema.Subtype {
		return schema.Subtype{Subtype: unit, Data: data{"Id": unit, "LoadState": "not-found", "ActiveState": "inactive", "SubState": "dead"}}
	}
	want := []schema.Measurement{{Type: "SystemD", Subtypes: []schema.Subtype{
		{Subtype: "containerd.service", Data: data{
			"ActiveState": "active", "LoadState": "loaded", "Delegate": true, "LimitNOFILE": uint64(18446744073709551615),
			"OOMScoreAdjust": int64(-999), "UMask": int64(18), "After": "[dbus.service network.target]",
			"ExecStart":               "[[/usr/bin/containerd [/usr/bin/containerd --password (masked)]]]",
			"RestrictAddressFamilies": "[false []]", "RootHash": "[]", "RestartPreventExitStatus": "[[] []]",
		}},
		missing("docker.service"),
		missing("kubelet.service"),
	}}}
	if d := cmp.Diff(want, measurements(rs)); d != "" {
		t.Error(d)
	}
	if !bus.closed {
		t.Error("the bus was not closed")
	}
}

func TestSystemDAbsentOrFailed(t *testing.T) {
	gone := godbus.Error{Name: "org.freedesktop.DBus.Error.ServiceUnknown", Body: []any{"The name org.freedesktop.systemd1 was not provided by any .service files"}}
	tests := []struct {
		name string
		dial func(context.Context) (Bus, error)
		want schema.CollectorStatus
	}{
		{"no systemd on the bus", func(context.Context) (Bus, error) { return &fakeBus{err: fmt.Errorf("calling: %w", gone)}, nil },
			schema.CollectorStatus{Status: "absent", Reason: "the system bus has no systemd: calling: The name org.freedesktop.systemd1 was not provided by any .service files"}},
		{"call fails", func(context.Context) (Bus, error) { return &fakeBus{err: errors.New("connection closed")}, nil },
			schema.CollectorStatus{Status: "failed", Reason: "reading containerd.service: connection closed"}},
		{"dial fails", func(context.Context) (Bus, error) { return nil, errors.New("EOF") },
			schema.CollectorStatus{Status: "failed", Reason: "connecting to the system bus: EOF"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tt.want.Name = "systemd"
			if d := cmp.Diff([]schema.CollectorStatus{tt.want}, statuses(readBus(t, tt.dial))); d != "" {
				t.Error(d)
			}
		})
	}
}

// The real connection, against sockets that nobody serves.
func TestSystemBusSocket(t *testing.T) {
	dir := t.TempDir()
	t.Run("no socket", func(t *testing.T) {
		t.Setenv("DBUS_SYSTEM_BUS_ADDRESS", "unix:path="+filepath.Join(dir, "none"))
		if got := statuses(readBus(t, SystemBus)); got[0].Status != "absent" {
			t.Errorf("got %v", got)
		}
	})
	t.Run("nobody listens", func(t *testing.T) {
		path := filepath.Join(dir, "dead")
		l, err := net.Listen("unix", path)
		if err != nil {
			t.Fatal(err)
		}
		l.(*net.UnixListener).SetUnlinkOnClose(false)
		l.Close()
		if _, err := os.Stat(path); err != nil {
			t.Fatal(err)
		}
		t.Setenv("DBUS_SYSTEM_BUS_ADDRESS", "unix:path="+path)
		if got := statuses(readBus(t, SystemBus)); got[0].Status != "absent" {
			t.Errorf("got %v", got)
		}
	})
	t.Run("not a bus", func(t *testing.T) {
		path := filepath.Join(dir, "other")
		l, err := net.Listen("unix", path)
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		go func() {
			for {
				c, err := l.Accept()
				if err != nil {
					return
				}
				c.Close()
			}
		}()
		t.Setenv("DBUS_SYSTEM_BUS_ADDRESS", "unix:path="+path)
		if got := statuses(readBus(t, SystemBus)); got[0].Status != "failed" {
			t.Errorf("got %v", got)
		}
	})
}
