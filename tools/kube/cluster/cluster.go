// Package cluster runs a real Kubernetes control plane for tests: etcd,
// kube-apiserver and, if asked for, kube-controller-manager and
// kube-scheduler, with RBAC on, on one address of this machine.
package cluster

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// startLimit is how long one server may take; a busy machine needs most of it.
const startLimit = 3 * time.Minute

// The networks of Services and Pods.
const (
	serviceCIDR = "10.96.0.0/24"
	podCIDR     = "10.244.0.0/16"
)

// Options of Start.
type Options struct {
	Bin string // folder of the servers
	Dir string // folder for what they write; it is emptied first
	// Addr is the address to listen on; 127.0.0.1 if empty. Ports are free ones.
	Addr string
	// Controllers also starts kube-controller-manager and kube-scheduler.
	Controllers bool
	// Nodes get kubelet credentials, NODE.kubeconfig in Dir/pki.
	Nodes []string
	// Flags are more flags of a server, by its name: gates, intervals.
	Flags map[string][]string
	// Detach lets the servers outlive this process; Stop(Dir) ends them.
	Detach bool
}

// Cluster is a running control plane.
type Cluster struct {
	URL        string
	Kubeconfig string // of a member of system:masters
	Etcd       string // its address, for tests that store objects by the ten thousand
	dir        string
	procs      map[string]*process
	apiserver  func() error // starts it and waits until it is ready
}

// Start starts a control plane and returns when it is ready.
func Start(o Options) (*Cluster, error) {
	if o.Addr == "" {
		o.Addr = "127.0.0.1"
	}
	dir, err := filepath.Abs(o.Dir)
	if err != nil {
		return nil, err
	}
	if err := Stop(dir); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	ports, err := freePorts(o.Addr, 3)
	if err != nil {
		return nil, err
	}
	c := &Cluster{dir: dir, URL: fmt.Sprintf("https://%s:%d", o.Addr, ports[0]), procs: map[string]*process{}}
	if err := c.start(o, ports); err != nil {
		return nil, errors.Join(err, c.Stop())
	}
	return c, nil
}

// Stop ends the control plane and deletes what it wrote.
func (c *Cluster) Stop() error { return Stop(c.dir) }

// Stop ends the control plane that was started with this Dir, if there is one,
// and deletes the folder.
func Stop(dir string) error {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return err
	}
	return errors.Join(kill(dir), os.RemoveAll(dir))
}

// Credential is the path of a certificate or key: NODE.crt, NODE-serving.key.
func (c *Cluster) Credential(file string) string { return filepath.Join(c.dir, "pki", file) }

// Pause stops the API server where it stands until Resume: clients see a
// server that takes connections and does not answer.
func (c *Cluster) Pause() error  { return c.signal(syscall.SIGSTOP) }
func (c *Cluster) Resume() error { return c.signal(syscall.SIGCONT) }

// Restart kills the API server and starts it again, with what it had stored,
// after it has been down for so long. It returns when the server is ready.
func (c *Cluster) Restart(down time.Duration) error {
	if err := c.signal(syscall.SIGKILL); err != nil {
		return err
	}
	<-c.procs["kube-apiserver"].done
	time.Sleep(down)
	return c.apiserver()
}

func (c *Cluster) signal(s syscall.Signal) error {
	return syscall.Kill(c.procs["kube-apiserver"].pid, s)
}

func (c *Cluster) start(o Options, ports []int) error {
	ca, err := c.credentials(o)
	if err != nil {
		return err
	}
	if c.Kubeconfig, err = ca.kubeconfig("admin", c.URL); err != nil {
		return err
	}
	etcd := fmt.Sprintf("http://%s:%d", o.Addr, ports[1])
	peer := fmt.Sprintf("http://%s:%d", o.Addr, ports[2])
	p, err := c.run(o, "etcd",
		"--data-dir="+filepath.Join(c.dir, "etcd"),
		"--listen-client-urls="+etcd, "--advertise-client-urls="+etcd,
		"--listen-peer-urls="+peer, "--initial-advertise-peer-urls="+peer, "--initial-cluster=default="+peer,
		"--quota-backend-bytes=4294967296",
		"--unsafe-no-fsync", // test data need not survive a power cut
	)
	if err != nil {
		return err
	}
	if err := p.wait(answers(http.DefaultTransport, etcd+"/health"), startLimit); err != nil {
		return err
	}
	rt, err := c.transport(ca)
	if err != nil {
		return err
	}
	defer rt.CloseIdleConnections()
	c.Etcd = etcd
	c.apiserver = func() error {
		p, err := c.run(o, "kube-apiserver", apiserverFlags(o, ca, ports[0], etcd)...)
		if err != nil {
			return err
		}
		return p.wait(answers(rt, c.URL+"/readyz"), startLimit)
	}
	if err := c.apiserver(); err != nil {
		return err
	}
	if !o.Controllers {
		return nil
	}
	return c.controllers(o, ca, rt)
}

func apiserverFlags(o Options, ca *pki, port int, etcd string) []string {
	flags := []string{
		"--etcd-servers=" + etcd,
		"--bind-address=" + o.Addr, "--advertise-address=" + o.Addr, fmt.Sprintf("--secure-port=%d", port),
		"--authorization-mode=Node,RBAC",
		"--client-ca-file=" + ca.path("ca.crt"),
		"--tls-cert-file=" + ca.path("apiserver.crt"), "--tls-private-key-file=" + ca.path("apiserver.key"),
		"--service-account-issuer=https://kubernetes.default.svc",
		"--service-account-key-file=" + ca.path("sa.pub"), "--service-account-signing-key-file=" + ca.path("sa.key"),
		"--service-cluster-ip-range=" + serviceCIDR,
		"--kubelet-client-certificate=" + ca.path("kubelet-client.crt"), "--kubelet-client-key=" + ca.path("kubelet-client.key"),
		"--kubelet-certificate-authority=" + ca.path("ca.crt"), "--kubelet-preferred-address-types=InternalIP",
		"--enable-admission-plugins=NodeRestriction",
		"--allow-privileged",
		"--profiling=false",
	}
	if strings.HasPrefix(o.Addr, "127.") {
		// An Endpoints object may not name a loopback address.
		flags = append(flags, "--endpoint-reconciler-type=none")
	}
	if !o.Controllers {
		// Nobody creates the default ServiceAccount without controllers.
		flags = append(flags, "--disable-admission-plugins=ServiceAccount")
	}
	return flags
}

func (c *Cluster) controllers(o Options, ca *pki, rt http.RoundTripper) error {
	for _, name := range []string{"kube-controller-manager", "kube-scheduler"} {
		conf, err := ca.kubeconfig(name, c.URL)
		if err != nil {
			return err
		}
		flags := []string{
			"--kubeconfig=" + conf, "--leader-elect=false",
			"--secure-port=0", // nobody reads their metrics
		}
		if name == "kube-controller-manager" {
			flags = append(flags,
				"--use-service-account-credentials",
				"--service-account-private-key-file="+ca.path("sa.key"), "--root-ca-file="+ca.path("ca.crt"),
				"--cluster-signing-cert-file="+ca.path("ca.crt"), "--cluster-signing-key-file="+ca.path("ca.key"),
				"--allocate-node-cidrs", "--cluster-cidr="+podCIDR, "--service-cluster-ip-range="+serviceCIDR,
				// With the usual limits the default ServiceAccount takes seconds.
				"--kube-api-qps=1000", "--kube-api-burst=1000")
		}
		if _, err := c.run(o, name, flags...); err != nil {
			return err
		}
	}
	sa := c.URL + "/api/v1/namespaces/default/serviceaccounts/default"
	return c.procs["kube-controller-manager"].wait(answers(rt, sa), startLimit)
}

func (c *Cluster) run(o Options, name string, flags ...string) (*process, error) {
	p, err := run(c.dir, name, filepath.Join(o.Bin, name), o.Detach, append(flags, o.Flags[name]...)...)
	c.procs[name] = p
	return p, err
}

// credentials issues every certificate of the cluster.
func (c *Cluster) credentials(o Options) (*pki, error) {
	ca, err := newPKI(filepath.Join(c.dir, "pki"))
	if err != nil {
		return nil, err
	}
	errs := []error{
		ca.signingKey("sa"),
		ca.server("apiserver", subject{Name: "kube-apiserver"}, o.Addr, "127.0.0.1", "10.96.0.1", "localhost",
			"kubernetes", "kubernetes.default", "kubernetes.default.svc", "kubernetes.default.svc.cluster.local"),
		ca.client("kubelet-client", subject{Name: "kube-apiserver-kubelet-client", Groups: []string{"system:masters"}}),
		ca.client("admin", subject{Name: "admin", Groups: []string{"system:masters"}}),
		ca.client("kube-controller-manager", subject{Name: "system:kube-controller-manager"}),
		ca.client("kube-scheduler", subject{Name: "system:kube-scheduler"}),
	}
	if len(o.Nodes) > 0 {
		errs = append(errs, ca.client("kube-proxy", subject{Name: "system:kube-proxy"}))
		_, err := ca.kubeconfig("kube-proxy", c.URL)
		errs = append(errs, err)
	}
	for _, n := range o.Nodes {
		who := subject{Name: "system:node:" + n, Groups: []string{"system:nodes"}}
		errs = append(errs, ca.client(n, who), ca.server(n+"-serving", who, n, o.Addr))
		_, err := ca.kubeconfig(n, c.URL)
		errs = append(errs, err)
	}
	return ca, errors.Join(errs...)
}

// transport speaks to the API server as admin.
func (c *Cluster) transport(ca *pki) (*http.Transport, error) {
	cert, err := tls.LoadX509KeyPair(ca.path("admin.crt"), ca.path("admin.key"))
	if err != nil {
		return nil, err
	}
	roots := x509.NewCertPool()
	roots.AddCert(ca.cert)
	return &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots, Certificates: []tls.Certificate{cert}}}, nil
}

// answers returns whether a GET of url is answered with 200.
func answers(rt http.RoundTripper, url string) func() bool {
	client := &http.Client{Transport: rt, Timeout: 5 * time.Second}
	return func() bool {
		resp, err := client.Get(url)
		if err != nil {
			return false
		}
		_, _ = io.Copy(io.Discard, resp.Body)
		_ = resp.Body.Close()
		return resp.StatusCode == http.StatusOK
	}
}

// freePorts returns n TCP ports of addr that nothing listens on.
func freePorts(addr string, n int) ([]int, error) {
	var ports []int
	for range n {
		l, err := net.Listen("tcp", net.JoinHostPort(addr, "0"))
		if err != nil {
			return nil, fmt.Errorf("finding a free port: %w", err)
		}
		defer l.Close() // held until all are found
		ports = append(ports, l.Addr().(*net.TCPAddr).Port)
	}
	return ports, nil
}
