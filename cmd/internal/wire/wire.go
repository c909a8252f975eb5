// Package wire makes what steps need of their surroundings: clients, clocks,
// environments and addresses. Host is what an invocation of eidos runs on and
// Options what differs between commands; New is the one place where the two become
// kinds, a loader and a saver. Nothing here knows a command line.
package wire

import (
	"context"
	"crypto/rand"
	"strconv"
	"time"

	"github.com/NVIDIA/eidos/cmd/internal/console"
	"github.com/NVIDIA/eidos/cmd/internal/paths"
	"github.com/NVIDIA/eidos/cmd/internal/pipelinefile"
	"github.com/NVIDIA/eidos/engine"
	"github.com/NVIDIA/eidos/engine/expr"
	"github.com/NVIDIA/eidos/engine/store"
	"github.com/NVIDIA/eidos/recipes"
	"github.com/NVIDIA/eidos/recipes/compile"
	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/steps"
	"github.com/NVIDIA/eidos/steps/address"
	clusteragent "github.com/NVIDIA/eidos/steps/agent"
	"github.com/NVIDIA/eidos/steps/chartlock"
	"github.com/NVIDIA/eidos/steps/check"
	"github.com/NVIDIA/eidos/steps/collect"
	"github.com/NVIDIA/eidos/steps/kube"
	"github.com/NVIDIA/eidos/steps/oci"
	"github.com/NVIDIA/eidos/steps/sign"
)

// Host is what one invocation of eidos runs on.
type Host struct {
	*console.Console
	Paths   paths.Paths
	Version string // of this program
}

// Options is what differs between commands.
type Options struct {
	Format      string // of documents that are saved: yaml, json, or "" by name
	Force       bool   // replace outputs that something else has written
	ForceFlag   string // that asks for it; "" if there is none
	Written     string // directory that remembers what was saved to files; "" for none
	Fresh       bool   // write to new directories only
	ValuesFrom  string // the tree of upstream's recipes
	Attended    bool   // standard input is the step's, and whoever is at the terminal
	Access      oci.Access
	Kubeconfig  string
	KubeContext string
}

// Wiring is everything that a pipeline needs of its surroundings.
type Wiring struct {
	Host
	Kinds  []engine.Kind
	Load   engine.Loader
	Save   engine.Saver
	Secret func(context.Context, schema.Secret) (string, error)
	// Catalog opens the catalogue in use, the built-in one for "".
	Catalog func(ctx context.Context, data string) (*recipes.Catalog, error)
	// Refuses returns why what is at an output would not be replaced.
	Refuses func(dir, out, mediaType string) error
	// Sign reads policies where nothing is verified.
	Sign sign.Options
	// Registries are for what is not a step: pipelines in them.
	Registries oci.Options
	// Fetch reads a text over HTTP; the name is the address without secrets.
	Fetch func(ctx context.Context, uri string) (name string, text []byte, err error)

	// Pipeline is what is compiled with these kinds, nil for one-step commands.
	// Attestations and remote steps name it. It is set by Find, or by who has the
	// pipeline, before anything runs.
	Pipeline *pipelinefile.Source

	cluster kube.Config
}

// New wires a host with the options of a command.
func New(h Host, o Options) *Wiring {
	// Without a home there is no embedded registry and no cache of catalogues: what
	// needs them reports it.
	data, err := h.Paths.Data()
	if err != nil {
		data = ""
	}
	cache, err := h.Paths.Cache()
	if err != nil {
		cache = ""
	}
	agent := "eidos/" + h.Version
	registries := oci.Options{Data: data, Version: h.Version, Created: h.SourceDate()}
	w := &Wiring{
		Host:       h,
		Registries: registries,
		cluster:    kube.Config{Kubeconfig: o.Kubeconfig, Context: o.KubeContext, UserAgent: agent},
		Catalog: func(ctx context.Context, data string) (*recipes.Catalog, error) {
			return Catalogue{Data: data}.Open(ctx, cache)
		},
	}
	addresses := address.Config{
		Stdin: h.In, Stdout: h.Out,
		Force: o.Force, ForceFlag: o.ForceFlag, New: o.Fresh, Format: o.Format, ValuesFrom: o.ValuesFrom,
		OCI: registries, Access: o.Access,
		LoadConfigMap: func(ctx context.Context, ns, name, _ string) ([]byte, error) {
			return kube.ReadConfigMap(ctx, w.cluster, ns, name)
		},
		SaveConfigMap: func(ctx context.Context, ns, name string, v schema.Value) error {
			return kube.WriteConfigMap(ctx, w.cluster, ns, name, v, kube.Stamp{Time: time.Now(), Version: h.Version})
		},
	}
	if o.Written != "" {
		addresses.Written = &address.Written{Dir: o.Written}
	}
	w.Load, w.Save = address.New(addresses)
	w.Refuses = addresses.Refuses
	w.Fetch = func(ctx context.Context, uri string) (string, []byte, error) {
		return address.Fetch(ctx, addresses, uri)
	}
	w.Secret = func(ctx context.Context, s schema.Secret) (string, error) {
		return kube.ReadSecret(ctx, w.cluster, s.Kubernetes)
	}
	w.Sign = sign.Options{OCI: registries, LookupEnv: h.Env, Materials: w.materials, CUE: expr.Document, Certified: h.certified,
		Terminal: h.Attended(), Product: product}
	if o.Attended {
		w.Sign.Password = h.Password
	}
	w.Kinds = steps.All(steps.Needs{
		Collect: collect.Options{
			Version: h.Version, Now: time.Now, Host: collect.Host,
			Sources:    append(collect.Local(), kube.Source(agent, kube.ThisNode)),
			CheckAgent: clusteragent.Check,
			Agent:      clusteragent.Step(clusteragent.Options{Version: h.Version, Now: time.Now, Random: random}),
		},
		Data:   compile.Data(cache),
		Charts: chartlock.Options{OCI: registries, Cache: cache},
		OCI:    registries,
		Sign:   w.Sign,
		Check: check.Needs{
			Connect: func(p schema.VerifyClusterParams) (check.Cluster, func(), error) {
				c, err := kube.Connect(kube.Config{Kubeconfig: p.Kubeconfig, Context: p.Context, UserAgent: agent})
				if err != nil {
					return nil, nil, err
				}
				return c, c.Close, nil
			},
			Catalog: w.Catalog, Random: random, Version: h.Version,
		},
	})
	return w
}

// Here is the environment of what is read and written for a command itself, outside
// a step; large files live as long as the value does.
func (h Host) Here() engine.Env {
	return engine.Env{Dir: ".", Log: h.Story.Note, Blobs: store.NewMemory()}
}

// SourceDate is the time that artefacts carry: SOURCE_DATE_EPOCH, else none.
// See https://reproducible-builds.org/specs/source-date-epoch/.
func (h Host) SourceDate() time.Time {
	v, _ := h.Env("SOURCE_DATE_EPOCH")
	if sec, err := strconv.ParseInt(v, 10, 64); err == nil {
		return time.Unix(sec, 0).UTC()
	}
	return time.Time{}
}

// Now is the time that reports carry: SOURCE_DATE_EPOCH, else the clock.
func (h Host) Now() time.Time {
	if t := h.SourceDate(); !t.IsZero() {
		return t
	}
	return time.Now()
}

// random is the end of a name that nothing else has.
func random() string {
	const letters = "bcdfghjklmnpqrstvwxz2456789" // no words
	b := make([]byte, 5)
	if _, err := rand.Read(b); err != nil {
		panic("BUG: " + err.Error()) // crypto/rand.Read never fails
	}
	for i := range b {
		b[i] = letters[int(b[i])%len(letters)]
	}
	return string(b)
}
