package agent

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/steps/collect"
	"github.com/NVIDIA/eidos/steps/kube"
)

// EnvHost names the folder that the host's root is mounted at, in the
// environment of a privileged agent.
const EnvHost = "EIDOS_HOST"

// envIndex is set in the Pods of an Indexed Job; see "Indexed Job" in the
// Kubernetes documentation.
const envIndex = "JOB_COMPLETION_INDEX"

// Inside is the agent in its Pod.
type Inside struct {
	Params  schema.CollectParams
	Output  string // cm://NAMESPACE/NAME
	Indexed bool   // one of many: NAME-INDEX, and nothing about the cluster

	Version   string
	GPU       collect.Source // of this host
	Now       func() time.Time
	LookupEnv func(string) (string, bool)
	Log       func(format string, args ...any)
	// Stdout gets the snapshot if it cannot be written to Output.
	Stdout io.Writer
}

// Run takes the snapshot and writes it to Output. If that is refused or fails,
// the snapshot goes to Stdout and the error is returned: nothing is lost, and
// nobody takes the Job for a success.
func (a Inside) Run(ctx context.Context) error {
	namespace, name, ok := strings.Cut(strings.TrimPrefix(a.Output, "cm://"), "/")
	if !ok || !strings.HasPrefix(a.Output, "cm://") {
		return schema.Errorf(schema.Invalid, "--output: %q is not cm://NAMESPACE/NAME", a.Output)
	}
	if a.Indexed {
		s, _ := a.LookupEnv(envIndex)
		index, err := strconv.Atoi(s)
		if err != nil || index < 0 {
			return schema.Errorf(schema.Invalid, "--indexed: %s is %q, not the index of a Pod", envIndex, s)
		}
		name += "-" + strconv.Itoa(index)
	}
	s, err := collect.Run(ctx, a.params(), collect.Options{
		Version: a.Version, Now: a.Now, Host: a.host, Sources: a.sources(), Log: a.Log,
	})
	if err != nil {
		return err
	}
	cfg := kube.Config{Kubeconfig: a.Params.Kubeconfig, Context: a.Params.Context, UserAgent: "eidos-agent/" + a.Version}
	err = kube.WriteConfigMap(ctx, cfg, namespace, name, s, kube.Stamp{Time: a.Now(), Version: a.Version})
	if err == nil {
		a.Log("written to cm://%s/%s", namespace, name)
		return nil
	}
	text, e := schema.EncodeYAML(s)
	if e == nil {
		e = writeEnvelope(a.Stdout, text)
	}
	return errors.Join(fmt.Errorf("writing cm://%s/%s: %w", namespace, name, err), e)
}

// params are those of one Pod of many: what concerns the whole cluster is not
// read once a node.
func (a Inside) params() schema.CollectParams {
	p := a.Params
	if !a.Indexed {
		return p
	}
	if len(p.Collectors) == 0 {
		p.Collectors = []schema.Collector{"gpu", "k8s", "os", "systemd"}
	}
	p.Collectors = slices.DeleteFunc(slices.Clone(p.Collectors), func(c schema.Collector) bool { return c == "topology" })
	if len(p.Collectors) == 0 {
		p.Collectors = []schema.Collector{"k8s"} // none would mean all
	}
	p.Require = slices.DeleteFunc(slices.Clone(p.Require), func(q schema.CollectorPart) bool { return q != "k8s" && isClusterPart(q) })
	return p
}

// sources read the host's files where they are mounted, and the kernel's, which every
// container sees, where they are not.
func (a Inside) sources() []collect.Source {
	var root fs.FS = hostless{os.DirFS("/")}
	if dir, _ := a.LookupEnv(EnvHost); dir != "" {
		root = os.DirFS(dir)
	}
	agent := "eidos-agent/" + a.Version
	node, _ := a.host() // an unknown name is "", which the source knows
	cluster := kube.Source(agent, func() kube.Node { return kube.Node{Name: node} })
	if a.Indexed {
		cluster = kube.NodeSource(agent, kube.Node{Name: node})
	}
	return []collect.Source{collect.OS(root), collect.SystemD(collect.SystemBus), a.GPU, cluster}
}

// host is the name of the node, from the downward API.
func (a Inside) host() (string, error) {
	if n, _ := a.LookupEnv("NODE_NAME"); n != "" {
		return n, nil
	}
	return "", schema.Errorf(schema.Invalid, "NODE_NAME is not set").
		WithHint("this command runs in the Pod of `eidos snapshot --agent`; see deploy/agent")
}

// hostless is the root of a container that the host's files are not in. The
// kernel's files are the host's all the same; /etc is the image's.
type hostless struct{ fs.FS }

func (h hostless) Open(name string) (fs.File, error) {
	if strings.HasPrefix(name, "etc/") || strings.HasPrefix(name, "usr/") {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
	}
	return h.FS.Open(name)
}
