//go:build linux

package stock

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"unsafe"

	"k8s.io/client-go/tools/clientcmd"
)

// insideEnv makes this program run a script in a network namespace of its own:
// "ADDRESS SOCKET", where the API server is to be and what leads there.
const insideEnv = "EIDOS_TEST_INSIDE"

// A bundle with its charts is installed where there is no route to anything but
// the API server, and a second run changes nothing.
func TestWithoutRoute(t *testing.T) {
	for layout, args := range map[string][]string{"components": {"undeploy.sh", "--keep-namespaces"}, "umbrella": {"undeploy.sh"}} {
		t.Run(layout, func(t *testing.T) {
			i := newInstall(t, layout)
			i.noRoute(t)
			i.Run(t, 0, []string{"installed in "}, "deploy.sh")
			i.Run(t, 0, []string{": unchanged"}, "deploy.sh")
			i.Run(t, 0, nil, args...)
		})
	}
}

// noRoute makes what the install runs have nothing but a loopback of its own, on
// which the API server answers. Sockets in the file system cross namespaces.
func (i *install) noRoute(t *testing.T) {
	t.Helper()
	config, err := clientcmd.BuildConfigFromFlags("", i.Kubeconfig)
	if err != nil {
		t.Fatal(err)
	}
	server, err := url.Parse(config.Host)
	if err != nil {
		t.Fatal(err)
	}
	socket := filepath.Join(t.TempDir(), "api")
	ln, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ln.Close() })
	go forward(ln, "tcp", server.Host)
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	i.Shell = func(args ...string) *exec.Cmd {
		cmd := exec.Command(self, args...)
		cmd.Env = append(i.Env, insideEnv+"="+server.Host+" "+socket)
		cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET}
		if os.Geteuid() != 0 {
			cmd.SysProcAttr.Cloneflags |= syscall.CLONE_NEWUSER
			cmd.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Geteuid(), Size: 1}}
			cmd.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getegid(), Size: 1}}
		}
		return cmd
	}
	if err := i.Shell("-c", "true").Run(); errors.Is(err, syscall.EPERM) {
		t.Log("network namespaces are not permitted here: a proxy that does not exist is all that is in the way")
		i.Shell = nil
		i.Env = append(i.Env, "HTTPS_PROXY=http://127.0.0.1:9", "HTTP_PROXY=http://127.0.0.1:9", "NO_PROXY="+server.Hostname())
	} else if err != nil {
		t.Fatal(err)
	}
}

// inside runs sh with the program's arguments in this process's namespace, and
// returns its exit status.
func inside(where string) int {
	address, socket, _ := strings.Cut(where, " ")
	fail := func(err error) int {
		fmt.Fprintln(os.Stderr, "inside:", err)
		return 99
	}
	if c, err := net.Dial("tcp", address); err == nil {
		c.Close()
		return fail(fmt.Errorf("there is a way to %s", address))
	}
	if err := loopbackUp(); err != nil {
		return fail(err)
	}
	links, err := net.Interfaces()
	if err != nil {
		return fail(err)
	}
	if len(links) != 1 {
		return fail(fmt.Errorf("there is more than the loopback: %v", links))
	}
	ln, err := net.Listen("tcp", address)
	if err != nil {
		return fail(err)
	}
	go forward(ln, "unix", socket)
	cmd := exec.Command("sh", os.Args[1:]...)
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	var exit *exec.ExitError
	if err := cmd.Run(); err != nil && !errors.As(err, &exit) {
		return fail(err)
	}
	return cmd.ProcessState.ExitCode()
}

// loopbackUp sets the flags of the interface lo, see netdevice(7).
func loopbackUp() error {
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_DGRAM, 0)
	if err != nil {
		return err
	}
	defer syscall.Close(fd)
	request := struct {
		name  [16]byte
		flags uint16
		_     [22]byte
	}{flags: syscall.IFF_UP | syscall.IFF_RUNNING}
	copy(request.name[:], "lo")
	if _, _, no := syscall.Syscall(syscall.SYS_IOCTL, uintptr(fd), syscall.SIOCSIFFLAGS, uintptr(unsafe.Pointer(&request))); no != 0 {
		return fmt.Errorf("setting up the loopback: %w", no)
	}
	return nil
}

// forward carries each connection to another address until the listener is closed.
func forward(ln net.Listener, network, address string) {
	for {
		from, err := ln.Accept()
		if err != nil {
			return
		}
		go func() {
			defer from.Close()
			to, err := net.Dial(network, address)
			if err != nil {
				return
			}
			defer to.Close()
			var both sync.WaitGroup
			both.Go(func() { _, _ = io.Copy(to, from); closeWrite(to) })
			both.Go(func() { _, _ = io.Copy(from, to); closeWrite(from) })
			both.Wait()
		}()
	}
}

func closeWrite(c net.Conn) {
	if c, ok := c.(interface{ CloseWrite() error }); ok {
		_ = c.CloseWrite() // the other side may be gone
	}
}
