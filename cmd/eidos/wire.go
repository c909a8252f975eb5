package main

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/NVIDIA/eidos/engine"
	"github.com/NVIDIA/eidos/engine/expr"
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

// wiring is what differs between commands.
type wiring struct {
	format      string // of documents that are saved: yaml, json, or "" by name
	force       bool   // replace outputs that something else has written
	forceFlag   string // that asks for it; "" if there is none
	written     string // directory that remembers what was saved to files; "" for none
	fresh       bool   // write to new directories only
	valuesFrom  string // the tree of upstream's recipes
	attended    bool   // standard input is the step's, and whoever is at the terminal
	access      oci.Access
	kubeconfig  string
	kubeContext string
}

// wired is everything that a pipeline needs of its surroundings: the one place
// where clients, clocks and environments are made and passed on.
type wired struct {
	kinds  []engine.Kind
	load   engine.Loader
	save   engine.Saver
	secret func(context.Context, schema.Secret) (string, error)
	// catalog opens the catalogue in use, the built-in one for "".
	catalog func(ctx context.Context, data string) (*recipes.Catalog, error)
	// refuses tells why what stands at an output would not be replaced.
	refuses func(dir, out, mediaType string) error
	// sign reads policies where nothing is verified.
	sign sign.Options
	// registries are for what is no step: pipelines in them.
	registries oci.Options
	// fetch reads a text over HTTP; the name is the address without secrets.
	fetch func(ctx context.Context, uri string) (name string, text []byte, err error)
}

func (a *app) wire(o wiring) (*wired, error) {
	// Without a home there is no embedded registry and no cache of catalogues:
	// what needs them says so.
	data, err := a.paths().Data()
	if err != nil {
		data = ""
	}
	cache, err := a.paths().Cache()
	if err != nil {
		cache = ""
	}
	version := versionOf()
	registries := oci.Options{Data: data, Version: version, Created: a.sourceDate()}
	agent := "eidos/" + version
	addresses := address.Config{
		Stdin: a.In, Stdout: a.Out,
		Force: o.force, ForceFlag: o.forceFlag, New: o.fresh, Format: o.format, ValuesFrom: o.valuesFrom,
		OCI: registries, Access: o.access,
		LoadConfigMap: func(ctx context.Context, ns, name, _ string) ([]byte, error) {
			return kube.ReadConfigMap(ctx, a.cluster(o, agent), ns, name)
		},
		SaveConfigMap: func(ctx context.Context, ns, name string, v schema.Value) error {
			return kube.WriteConfigMap(ctx, a.cluster(o, agent), ns, name, v, kube.Stamp{Time: time.Now(), Version: version})
		},
	}
	if o.written != "" {
		addresses.Written = &address.Written{Dir: o.written}
	}
	load, save := address.New(addresses)
	signing := sign.Options{OCI: registries, LookupEnv: a.Env, Materials: a.materials, CUE: expr.Document, Certified: a.certified,
		Terminal: a.attended(), Product: product}
	if o.attended {
		signing.Password = a.password
	}
	catalog := func(ctx context.Context, data string) (*recipes.Catalog, error) {
		if data == "" {
			return recipes.Shipped()
		}
		return compile.Data(cache)(ctx, "", data)
	}
	return &wired{
		sign: signing,
		kinds: steps.All(steps.Needs{
			Collect: collect.Options{
				Version: version, Now: time.Now, Host: collect.Host,
				Sources:    append(collect.Local(), kube.Source(agent, kube.ThisNode())),
				CheckAgent: clusteragent.Check,
				Agent:      clusteragent.Step(clusteragent.Options{Version: version, Now: time.Now, Random: random}),
			},
			Data:   compile.Data(cache),
			Charts: chartlock.Options{OCI: registries, Cache: cache},
			OCI:    registries,
			Sign:   signing,
			Check: check.Needs{
				Connect: func(p schema.VerifyClusterParams) (check.Cluster, func(), error) {
					c, err := kube.Connect(kube.Config{Kubeconfig: p.Kubeconfig, Context: p.Context, UserAgent: agent})
					if err != nil {
						return nil, nil, err
					}
					return c, c.Close, nil
				},
				Catalog: catalog, Random: random, Version: version,
			},
		}),
		load: load, save: save, catalog: catalog,
		registries: registries,
		fetch: func(ctx context.Context, uri string) (string, []byte, error) {
			return address.Fetch(ctx, addresses, uri)
		},
		refuses: addresses.Refuses,
		secret: func(ctx context.Context, s schema.Secret) (string, error) {
			return kube.ReadSecret(ctx, a.cluster(o, agent), s.Kubernetes)
		},
	}, nil
}

func (a *app) cluster(o wiring, agent string) kube.Config {
	return kube.Config{Kubeconfig: o.kubeconfig, Context: o.kubeContext, UserAgent: agent}
}

// sourceDate is the time that artefacts carry: SOURCE_DATE_EPOCH, else none.
// See https://reproducible-builds.org/specs/source-date-epoch/.
func (a *app) sourceDate() time.Time {
	v, _ := a.Env("SOURCE_DATE_EPOCH")
	if sec, err := strconv.ParseInt(v, 10, 64); err == nil {
		return time.Unix(sec, 0).UTC()
	}
	return time.Time{}
}

// plainPaths says errors of a one-step command without the step that the
// user never wrote: "deployer: …" for "steps.bundle.with.deployer: …".
func plainPaths(err error, step string) error {
	if err == nil {
		return nil
	}
	var out []error
	for _, e := range schema.List(err) {
		var se *schema.Error
		if errors.As(e, &se) {
			c := *se
			c.Path = strings.TrimPrefix(strings.TrimPrefix(c.Path, "steps."+step), ".")
			c.Path = strings.TrimPrefix(strings.TrimPrefix(c.Path, "with"), ".")
			e = &c
		}
		out = append(out, e)
	}
	return schema.Join(out)
}
