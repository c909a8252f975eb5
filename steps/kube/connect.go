// Package kube talks to Kubernetes: the collectors of a cluster and documents
// in ConfigMaps. It is the only package that imports client-go, and takes of it
// what is hard (kubeconfig, TLS, credentials) and not its clientset, which
// links and initialises every API group there is.
package kube

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/time/rate"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/util/homedir"

	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/schema/userfile"
	"github.com/NVIDIA/eidos/steps/retry"
)

// Config says which cluster to talk to, and as whom.
type Config struct {
	// Kubeconfig is a path; "" is KUBECONFIG, then ~/.kube/config, then the
	// service account of the Pod this runs in.
	Kubeconfig string
	// Context of the kubeconfig; "" is its current one.
	Context string
	// UserAgent is sent with every request; "" is "eidos".
	UserAgent string
}

// ErrNoCluster means that no kubeconfig is there and this is not a Pod.
var ErrNoCluster = errors.New("no kubeconfig, and not in a cluster")

// Requests a second to one API server, and how many may come at once: one
// snapshot of a big cluster is some hundred pages, and must not be what slows
// the server down for others.
const (
	queries = 50
	burst   = 100
)

// Client is one connection to one API server. It is safe for concurrent use.
type Client struct {
	http    *http.Client
	config  *rest.Config
	base    *url.URL
	limit   *rate.Limiter
	breaker breaker
	retries retry.Policy
	page    int    // objects of a list to ask for at once
	idle    func() // closes the connections that are not in use
}

// Connect reads the configuration; it sends nothing yet. The error wraps
// ErrNoCluster if there is no cluster to talk to; otherwise it is Invalid, or
// NotFound for a context or file that is not there.
func Connect(cfg Config) (*Client, error) {
	rc, err := restConfig(cfg)
	if err != nil {
		return nil, err
	}
	return newClient(rc, cfg.UserAgent)
}

func newClient(rc *rest.Config, agent string) (*Client, error) {
	if agent == "" {
		agent = "eidos"
	}
	rc.UserAgent = agent
	hc, idle, err := httpClient(rc)
	if err != nil {
		return nil, configError(err)
	}
	base, _, err := rest.DefaultServerUrlFor(rc)
	if err != nil {
		return nil, configError(err)
	}
	return &Client{http: hc, config: rc, base: base, limit: rate.NewLimiter(queries, burst), retries: retry.Default(), page: pageSize, idle: idle}, nil
}

// Close ends the connections that are not in use.
func (c *Client) Close() { c.idle() }

// Host is the address of the API server.
func (c *Client) Host() string { return c.base.Host }

func restConfig(cfg Config) (*rest.Config, error) {
	rules := &clientcmd.ClientConfigLoadingRules{ExplicitPath: cfg.Kubeconfig, Precedence: kubeconfigs()}
	for _, name := range rules.GetLoadingPrecedence() {
		if name == os.DevNull {
			continue // how people say that there is none
		}
		// clientcmd would wait for a pipe, read a device without end, and lose the cause.
		_, err := userfile.Read(name, maxKubeconfig)
		if errors.Is(err, fs.ErrNotExist) && cfg.Kubeconfig == "" {
			continue
		}
		if errors.Is(err, fs.ErrNotExist) {
			return nil, schema.Errorf(schema.NotFound, "kubeconfig %q does not exist", cfg.Kubeconfig)
		}
		if err != nil {
			return nil, schema.Errorf(schema.CodeOf(err), "reading the kubeconfig: %w", err)
		}
	}
	api, err := rules.Load()
	if err != nil {
		return nil, notKubeconfig(rules)
	}
	if len(api.Contexts) == 0 && len(api.Clusters) == 0 && cfg.Kubeconfig == "" {
		rc, err := rest.InClusterConfig()
		if errors.Is(err, rest.ErrNotInCluster) || errors.Is(err, fs.ErrNotExist) {
			return nil, schema.Errorf(schema.NotFound, "%w", ErrNoCluster).WithHint("name a kubeconfig with --kubeconfig or KUBECONFIG")
		}
		if err != nil {
			return nil, fmt.Errorf("reading the Pod's service account: %w", err)
		}
		return rc, nil
	}
	names := slices.Sorted(maps.Keys(api.Contexts))
	name := cfg.Context
	if name == "" {
		name = api.CurrentContext
	}
	switch {
	case name == "" && len(names) == 0:
		return nil, schema.Errorf(schema.Invalid, "kubeconfig %s has no contexts", quoted(rules))
	case name == "":
		return nil, schema.Errorf(schema.Invalid, "kubeconfig %s has no current context", quoted(rules)).
			WithHint("choose one with --context: %s", strings.Join(names, ", "))
	}
	if _, ok := api.Contexts[name]; !ok {
		return nil, schema.Errorf(schema.NotFound, "kubeconfig %s has no context %q", quoted(rules), name).
			WithHint("its contexts are %s", strings.Join(names, ", "))
	}
	rc, err := clientcmd.NewNonInteractiveClientConfig(*api, name, &clientcmd.ConfigOverrides{}, rules).ClientConfig()
	if err != nil {
		return nil, configError(err)
	}
	return rc, nil
}

// maxKubeconfig is the longest kubeconfig that is read.
const maxKubeconfig = 16 << 20 // bytes

// quoted are the files that a configuration was read from.
func quoted(rules *clientcmd.ClientConfigLoadingRules) string {
	var names []string
	for _, name := range rules.GetLoadingPrecedence() {
		if _, err := os.Stat(name); err == nil {
			names = append(names, strconv.Quote(name))
		}
	}
	return strings.Join(names, ", ")
}

// notKubeconfig finds the file that clientcmd could not read, and the line that is
// not YAML: clientcmd's own errors name Go types.
func notKubeconfig(rules *clientcmd.ClientConfigLoadingRules) error {
	for _, name := range rules.GetLoadingPrecedence() {
		data, err := userfile.Read(name, maxKubeconfig)
		if err != nil {
			continue // one that is not there does not matter
		}
		if _, err := clientcmd.Load(data); err == nil {
			continue
		}
		doc, err := schema.Parse(name, data)
		if err != nil {
			return schema.Errorf(schema.Invalid, "reading the kubeconfig: %w", err)
		}
		if kind := doc.TextAt("kind"); kind != "" && kind != "Config" {
			return schema.Errorf(schema.Invalid, "%q is not a kubeconfig: it holds a %s", name, kind)
		}
		return schema.Errorf(schema.Invalid, "%q is not a kubeconfig", name)
	}
	return schema.Errorf(schema.Invalid, "kubeconfig %s cannot be read", quoted(rules))
}

// kubeconfigs are where kubectl looks: the files that KUBECONFIG lists, merged,
// else the one in the home directory. (clientcmd has them in variables that are
// set when the process starts.)
func kubeconfigs() []string {
	if env := os.Getenv(clientcmd.RecommendedConfigPathEnvVar); env != "" {
		return filepath.SplitList(env)
	}
	return []string{filepath.Join(homedir.HomeDir(), ".kube", "config")}
}

func configError(err error) error {
	e := schema.Errorf(schema.Invalid, "the kubeconfig does not work: %w", err)
	if strings.Contains(err.Error(), "auth-provider") || strings.Contains(err.Error(), "Auth Provider") {
		return e.WithHint("auth-provider is gone from Kubernetes: let the cloud's tool write the kubeconfig again, with an exec plugin")
	}
	return e
}
