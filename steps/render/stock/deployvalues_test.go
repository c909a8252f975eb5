//go:build linux

package stock

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Values that are set at installation come from a file beside the bundle; one
// that is missing, unknown or of another type is named, and nothing is changed.
func TestInstallValues(t *testing.T) {
	for _, layout := range []string{"components", "umbrella"} {
		i := newInstall(t, layout, "first:word", "second:+site")
		i.Run(t, 2, []string{"set at installation, and not set: second:site (--install-values FILE, or ../install-values.yaml; on a terminal this asks)"}, "deploy.sh", "--dry-run")
		i.Write(t, "../install-values.yaml", "first: {word: 7}\n")
		i.Run(t, 2, []string{"../install-values.yaml: ", "word"}, "deploy.sh")
		i.Write(t, "../install-values.yaml", "first: {word: seven}\n")
		i.Run(t, 2, []string{"set at installation, and not set: second:site"}, "deploy.sh")
		i.Write(t, "../install-values.yaml", "first: {word: seven}\nsecond: {site: east, fail: true}\n")
		i.Run(t, 2, []string{"fail"}, "deploy.sh")
		i.Write(t, "../other.yaml", "first: {word: seven}\nsecond: {site: east}\n")
		i.Run(t, 0, []string{"installed in"}, "deploy.sh", "--install-values", "../other.yaml")
		ns := i.Namespace + "-first"
		if layout == "umbrella" {
			ns = i.Namespace + "-one"
		}
		cm, err := i.Client.CoreV1().ConfigMaps(ns).Get(t.Context(), "first", metav1.GetOptions{})
		if err != nil || cm.Data["key"] != "seven" {
			t.Errorf("%s: %v %v", layout, cm.Data, err)
		}
		i.Run(t, 0, []string{"unchanged"}, "deploy.sh", "--install-values", "../other.yaml")
	}
}

// The bundles of a split one read one file, with what is for others in it.
func TestInstallValuesSplit(t *testing.T) {
	i := newInstall(t, "split", "first:word", "second:+site")
	i.Write(t, "install-values.yaml", "first: {word: seven}\nsecond: {site: east}\n")
	i.Run(t, 0, []string{"[1/1] first: installed in"}, "first/deploy.sh")
	i.Run(t, 0, []string{"[1/1] second: installed in"}, "second/deploy.sh")
	cm, err := i.Client.CoreV1().ConfigMaps(i.Namespace+"-first").Get(t.Context(), "first", metav1.GetOptions{})
	if err != nil || cm.Data["key"] != "seven" {
		t.Errorf("%v %v", cm.Data, err)
	}
	i.Write(t, "install-values.yaml", "first: {wrod: seven}\nsecond: {site: east}\n")
	i.Run(t, 2, []string{"wrod"}, "first/deploy.sh", "--dry-run")
	i.Write(t, "install-values.yaml", "frist: {word: seven}\n")
	i.Run(t, 2, []string{"frist"}, "first/deploy.sh", "--dry-run")
}

// On a terminal deploy.sh asks for what is missing, and keeps the answers: the next
// run asks nothing. What the file has already is not asked.
func TestAsked(t *testing.T) {
	values := []string{"first:+site", "first:+count", "second:+site", `second:+"a.b".c`}
	i := newInstall(t, "components", values...)
	out := i.asked(t, "\n7\nnorth, or \"east\"\ntrue\nwest\n", "deploy.sh")
	for _, want := range []string{"first:count (any): first:count (any): first:site (any): ", `second:"a.b".c (any): `, "Your answers are in ../install-values.yaml.", "installed in"} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
	kept, err := os.ReadFile(filepath.Join(i.Dir, "../install-values.yaml"))
	want := "first:\n  count: 7\n  site: \"north, or \\\"east\\\"\"\nsecond:\n  a.b:\n    c: true\n  site: \"west\"\n"
	if err != nil || string(kept) != want {
		t.Errorf("%v, kept\n%s\nwant\n%s", err, kept, want)
	}
	i.Run(t, 0, []string{"[1/2] first: unchanged\n[2/2] second: unchanged\n"}, "deploy.sh")

	i = newInstall(t, "umbrella", values...)
	i.Write(t, "../install-values.yaml", "first: {count: 7, site: x}\nsecond: {site: west}\n")
	out = i.asked(t, "yes\n", "deploy.sh", "--dry-run")
	if strings.Contains(out, "first:site (any)") || !strings.Contains(out, "Put this into ../install-values.yaml, and it is not asked again:") {
		t.Errorf("with a file that has some:\n%s", out)
	}
}

// asked runs a script on a terminal at which somebody types.
func (i *install) asked(t *testing.T, typed string, args ...string) string {
	t.Helper()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer master.Close()
	if err := unix.IoctlSetPointerInt(int(master.Fd()), unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	n, err := unix.IoctlGetInt(int(master.Fd()), unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	terminal, err := os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer terminal.Close()
	if _, err := master.WriteString(typed); err != nil {
		t.Fatal(err)
	}
	cmd := i.Command(t.Context(), args...)
	var out bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = terminal, &out, &out
	if err := cmd.Run(); err != nil {
		t.Errorf("%v: %v\n%s", args, err, out.String())
	}
	return out.String()
}
