package collect

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/coreos/go-systemd/v22/dbus"

	"github.com/NVIDIA/eidos/schema"
)

// startSystemd brings a real systemd up in namespaces of its own, with the
// given unit files, and returns the address of its bus.
func startSystemd(t *testing.T, units map[string]string) string {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("a systemd of our own needs root")
	}
	for _, file := range []string{"/lib/systemd/systemd", "/usr/bin/dbus-daemon", "/usr/bin/unshare"} {
		if _, err := os.Stat(file); err != nil {
			t.Skipf("no systemd to run here: %v", err)
		}
	}
	dir, err := os.MkdirTemp("", "sd") // short: the path of a socket has 107 bytes
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if err := os.Mkdir(filepath.Join(dir, "units"), 0o755); err != nil {
		t.Fatal(err)
	}
	for name, text := range units {
		if err := os.WriteFile(filepath.Join(dir, "units", name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	log, err := os.Create(filepath.Join(dir, "log"))
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	cmd := exec.Command("../../tools/kube/systemd.sh", dir)
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		<-ended
	})
	address := "unix:path=" + filepath.Join(dir, "run/dbus/system_bus_socket")
	t.Setenv("DBUS_SYSTEM_BUS_ADDRESS", address)
	for end := time.Now().Add(60 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		if bus, err := SystemBus(t.Context()); err == nil {
			_, err = bus.GetAllPropertiesContext(t.Context(), "basic.target")
			bus.Close()
			if err == nil {
				return address
			}
		}
		select {
		case err := <-ended:
			ended <- err
			text, _ := os.ReadFile(log.Name())
			if strings.Contains(string(text), "Operation not permitted") || strings.Contains(string(text), "permission denied") {
				t.Skipf("no namespaces of our own here:\n%s", text)
			}
			t.Fatalf("systemd ended: %v\n%s", err, text)
		default:
		}
		if time.Now().After(end) {
			text, _ := os.ReadFile(log.Name())
			t.Fatalf("systemd is not up:\n%s", text)
		}
	}
}

func TestSystemDReal(t *testing.T) {
	startSystemd(t, map[string]string{
		"containerd.service": `[Unit]
Description=a stand-in
[Service]
ExecStart=/bin/sleep 1000
Environment=PASSWORD=hunter2
Environment=HTTPS_PROXY=http://me:hunter2@proxy
SetCredential=db:hunter2
LimitNOFILE=1048576
Delegate=yes
OOMScoreAdjust=-999
`,
		"kubelet.service": `[Service]
ExecStart=/bin/true --bootstrap-token hunter2 --kubeconfig=/etc/kubernetes/kubelet.conf
`,
	})
	bus, err := SystemBus(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	conn := bus.(*dbus.Conn)
	done := make(chan string, 1)
	if _, err := conn.StartUnitContext(t.Context(), "containerd.service", "replace", done); err != nil {
		t.Fatal(err)
	}
	if r := <-done; r != "done" {
		t.Fatalf("starting the unit: %s", r)
	}
	bus.Close()

	rs := readBus(t, SystemBus)
	if got := statuses(rs); got[0].Status != "ok" {
		t.Fatalf("got %+v", got)
	}
	containerd, kubelet, docker := subtypeOf(rs, "containerd.service"), subtypeOf(rs, "kubelet.service"), subtypeOf(rs, "docker.service")
	want := data{
		"ActiveState": "active", "SubState": "running", "LoadState": "loaded", "Description": "a stand-in", "Delegate": true,
		"LimitNOFILE": uint64(1048576), "OOMScoreAdjust": int64(-999), "ExecStart": "[[/bin/sleep [/bin/sleep 1000]]]",
	}
	for k, v := range want {
		if containerd[k] != v {
			t.Errorf("%s is %v (%T), not %v", k, containerd[k], containerd[k], v)
		}
	}
	if len(containerd) < 200 {
		t.Errorf("only %d properties", len(containerd))
	}
	if got, want := kubelet["ExecStart"], "[[/bin/true [/bin/true --bootstrap-token (masked) --kubeconfig=/etc/kubernetes/kubelet.conf]]]"; got != want {
		t.Errorf("kubelet's ExecStart is %v", got)
	}
	if docker["LoadState"] != "not-found" || len(docker) > len(absentUnit) {
		t.Errorf("docker is %v", docker)
	}
	text, err := schema.Encode(measurements(rs))
	if err != nil {
		t.Fatal(err)
	}
	for _, secret := range []string{"hunter2", "aHVudGVyMg", "104 117 110 116 101 114 50"} { // as text, base64 and bytes
		if strings.Contains(string(text), secret) {
			t.Errorf("%q is in the snapshot", secret)
		}
	}
}

func subtypeOf(rs []result, name string) data {
	for _, m := range measurements(rs) {
		for _, s := range m.Subtypes {
			if s.Subtype == name {
				return s.Data
			}
		}
	}
	return nil
}
