// Command kube runs a real Kubernetes control plane on this machine:
//
//	kube up|down               a control plane that stays, in .cache/kube/up
//	kube with COMMAND [ARG]... one for as long as the command runs
//
// The command finds it in KUBECONFIG and, for this project's tests, in
// EIDOS_KUBE. The servers are built by tools/kube/build.
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/NVIDIA/eidos/tools/kube/cluster"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			os.Exit(exit.ExitCode())
		}
		fmt.Fprintln(os.Stderr, "kube:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	bin, err := cluster.Bin()
	if err != nil {
		return err
	}
	flags := flag.NewFlagSet("kube", flag.ContinueOnError)
	o := cluster.Options{Bin: bin}
	flags.StringVar(&o.Dir, "dir", filepath.Join(bin, "../../up"), "folder for what the servers write")
	flags.StringVar(&o.Addr, "addr", "127.0.0.1", "address to listen on")
	flags.BoolVar(&o.Controllers, "controllers", true, "also start the controller manager and the scheduler")
	nodes := flags.String("nodes", "", "nodes that get kubelet credentials, separated by commas")
	if len(args) == 0 {
		return errors.New("up, down or with?")
	}
	if err := flags.Parse(args[1:]); err != nil {
		return err
	}
	if *nodes != "" {
		o.Nodes = strings.Split(*nodes, ",")
	}
	switch args[0] {
	case "up":
		return up(o)
	case "down":
		return cluster.Stop(o.Dir)
	case "with":
		return with(o, flags.Args())
	}
	return fmt.Errorf("no command %q; up, down or with", args[0])
}

func up(o cluster.Options) error {
	o.Detach = true
	start := time.Now()
	c, err := cluster.Start(o)
	if err != nil {
		return err
	}
	fmt.Fprintf(os.Stderr, "control plane up in %.1fs\n", time.Since(start).Seconds())
	fmt.Printf("export KUBECONFIG=%s\n", c.Kubeconfig)
	return nil
}

func with(o cluster.Options, command []string) (err error) {
	if len(command) == 0 {
		return errors.New("with what command?")
	}
	if o.Dir, err = os.MkdirTemp("", "eidos-kube-"); err != nil {
		return err
	}
	// The command gets the signal from the terminal too; it decides.
	signal.Ignore(syscall.SIGINT)
	c, err := cluster.Start(o)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.Stop()) }()
	cmd := exec.Command(command[0], command[1:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.Env = append(os.Environ(), "KUBECONFIG="+c.Kubeconfig, "EIDOS_KUBE="+c.Kubeconfig)
	return cmd.Run()
}
