package collect

import (
	"io/fs"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/NVIDIA/eidos/schema"
)

type data = map[string]schema.Scalar

func TestParseRelease(t *testing.T) {
	got := parseRelease(`# a comment
NAME="Ubuntu"
VERSION_ID="24.04"
ID=ubuntu
PRETTY_NAME='Ubuntu 24.04.3 LTS'
QUOTED="a \"b\" \$c \\ d"
SINGLE='a \n b'
EMPTY=
  INDENTED=yes
not a setting
=nothing
`)
	want := data{
		"NAME": "Ubuntu", "VERSION_ID": "24.04", "ID": "ubuntu", "PRETTY_NAME": "Ubuntu 24.04.3 LTS",
		"QUOTED": `a "b" $c \ d`, "SINGLE": `a \n b`, "EMPTY": "", "INDENTED": "yes",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

func TestParseCmdline(t *testing.T) {
	tests := []struct {
		name, text string
		want       data
	}{
		{"flags and values", "BOOT_IMAGE=/boot/vmlinuz ro nokaslr hugepages=5128\n",
			data{"BOOT_IMAGE": "/boot/vmlinuz", "ro": "", "nokaslr": "", "hugepages": "5128"}},
		{"repeated keys keep all values", "console=tty0 console=ttyS0,115200 x", data{"console": "tty0 ttyS0,115200", "x": ""}},
		{"root is removed", "root=PARTUUID=abc rootflags=x", data{"rootflags": "x"}},
		{"quotes", `dyndbg="file a.c +p" "mod.opt=a b"`, data{"dyndbg": "file a.c +p", "mod.opt": "a b"}},
		{"arguments of init", "quiet -- single", data{"quiet": "", "single": ""}},
		{"secrets", "systemd.set_credential=db:hunter2 vault_token=s.123 ip=10.0.0.7::10.0.0.1 url=https://me:pw@host/x ds=nocloud;seedtoken=abc,mode=x security=apparmor",
			data{"systemd.set_credential": masked, "vault_token": masked, "ip": masked, "url": "https://" + masked + "@host/x",
				"ds": "nocloud;seedtoken=" + masked + ",mode=x", "security": "apparmor"}},
		{"empty", "", data{}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if d := cmp.Diff(tt.want, parseCmdline(tt.text)); d != "" {
				t.Error(d)
			}
		})
	}
}

func TestMaskArgs(t *testing.T) {
	got := maskArgs([]string{"kubelet", "--token", "abc", "--bootstrap-token=def", "--authentication-token-webhook=true", "-v", "2",
		"--feature-gates=BoundTokens=true,Secrets=no", "--proxy=http://u:p@proxy", "http://u:p@host"})
	want := []string{"kubelet", "--token", masked, "--bootstrap-token=" + masked, "--authentication-token-webhook=true", "-v", "2",
		"--feature-gates=BoundTokens=true,Secrets=" + masked, "--proxy=http://" + masked + "@proxy", "http://" + masked + "@host"}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

// host is the files of a small machine.
func host() fstest.MapFS {
	file := func(s string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(s), Mode: 0o444} }
	return fstest.MapFS{
		"etc/os-release":                   file("ID=ubuntu\nVERSION_ID=\"24.04\"\n"),
		"proc/modules":                     file("nvidia 9453568 3 nvidia_uvm,nvidia_modeset, Live 0xffffffffc0a00000 (POE)\nnvidia_uvm 1 0 - Live 0x0\n"),
		"proc/cmdline":                     file("BOOT_IMAGE=/vmlinuz root=/dev/sda1 ro\n"),
		"proc/sys/kernel/osrelease":        file("6.8.0-1024-aws\n"),
		"proc/sys/kernel/random/uuid":      file("5f0c\n"),
		"proc/sys/vm/stat_refresh":         file(""),
		"proc/sys/fs/file-nr":              file("5376\t0\t9223372036854775807\n"),
		"proc/sys/dev/cdrom/info":          file("one\ntwo\n\n"),
		"proc/sys/net/ipv4/ip_forward":     file("1\n"),
		"proc/sys/fs/binfmt_misc/register": file("x"),
		"proc/sys/vm/binary":               file("\xff\xfe"),
	}
}

func readOS(t *testing.T, root fs.FS) []result {
	t.Helper()
	return readSource(t.Context(), OS(root), schema.CollectParams{}, []schema.Collector{"os"}, defaultTimeout)
}

func TestOS(t *testing.T) {
	got := measurements(readOS(t, host()))
	want := []schema.Measurement{{Type: "OS", Subtypes: []schema.Subtype{
		{Subtype: "grub", Data: data{"BOOT_IMAGE": "/vmlinuz", "ro": ""}},
		{Subtype: "kmod", Data: data{"nvidia": true, "nvidia_uvm": true}},
		{Subtype: "release", Data: data{"ID": "ubuntu", "VERSION_ID": "24.04"}},
		{Subtype: "sysctl", Data: data{
			"/proc/sys/kernel/osrelease": "6.8.0-1024-aws",
			"/proc/sys/fs/file-nr":       "5376\t0\t9223372036854775807",
			"/proc/sys/dev/cdrom/info":   "one\ntwo",
		}},
	}}}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff([]schema.CollectorStatus{{Name: "os", Status: "ok", Reason: "sysctl: 1 entries not readable"}}, statuses(readOS(t, host()))); d != "" {
		t.Error(d)
	}
}

func TestOSRelease(t *testing.T) {
	root := fstest.MapFS{"usr/lib/os-release": {Data: []byte("ID=sles\n")}}
	r, err := readRelease(root)
	if err != nil || r.Subtypes[0].Data["ID"] != "sles" {
		t.Errorf("got %v, %v", r, err)
	}
}

func TestOSAbsent(t *testing.T) {
	got := statuses(readOS(t, fstest.MapFS{}))
	want := "grub: no /proc/cmdline; kmod: no /proc/modules; release: no /usr/lib/os-release; sysctl: no /proc/sys"
	if len(got) != 1 || got[0].Status != "absent" || got[0].Reason != want {
		t.Errorf("got %v", got)
	}
}

func TestOversizedFileIsRefused(t *testing.T) {
	root := host()
	root["proc/cmdline"] = &fstest.MapFile{Data: make([]byte, 65<<10)}
	if got := statuses(readOS(t, root)); got[0].Status != "failed" {
		t.Errorf("got %v", got)
	}
}

func FuzzParseCmdline(f *testing.F) {
	f.Add(`a=b "c d=e f" g`)
	f.Add(`x="`)
	f.Fuzz(func(t *testing.T, s string) {
		for k := range parseCmdline(s) {
			if k == "root" || k == "" {
				t.Errorf("key %q", k)
			}
		}
	})
}

func FuzzParseRelease(f *testing.F) {
	f.Add("ID=\"a\\\"b\"\n")
	f.Add("ID='")
	f.Fuzz(func(t *testing.T, s string) {
		for k := range parseRelease(s) {
			if k == "" {
				t.Errorf("empty key from %q", s)
			}
		}
	})
}
