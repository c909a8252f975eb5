package agent

import (
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/steps/kube"
)

// clusterNodes is on how many nodes the facts about the whole cluster are tried.
const clusterNodes = 3

// clusterFacts reads what concerns the whole cluster (K8s.server, images,
// policies, releases, topology) once for a fleet, by one more Pod with the
// rights of the others. It goes to a node whose agent has succeeded, as soon as
// there is one, so that no node that cannot start it decides over them.
type clusterFacts struct {
	names []schema.Collector // wanted, sorted; none starts no Pod
	read  func(node string) result

	mu     sync.Mutex
	seen   map[string]bool // nodes that were offered
	offers chan string
	done   chan struct{}
	result result // set when done is closed
}

// newClusterFacts starts to wait for nodes; the caller calls wait in the end.
func newClusterFacts(ctx context.Context, c *kube.Client, r run, nodes []kube.GPUNode, o Options) *clusterFacts {
	f := &clusterFacts{
		names:  clusterCollectors(r.collect.Collectors),
		seen:   map[string]bool{},
		offers: make(chan string, len(nodes)),
		done:   make(chan struct{}),
	}
	f.result.err = schema.Errorf(schema.Failed, "no agent has answered that could read the cluster")
	o.Progress = nil // the nodes' Job has it
	f.read = func(node string) result {
		i := slices.IndexFunc(nodes, func(n kube.GPUNode) bool { return n.Name == node })
		got, err := runJob(ctx, c, r.forCluster(nodes[i], f.names, untilGrace(ctx)), o)
		if err != nil {
			return result{node: node, err: err}
		}
		return got[0]
	}
	go f.work(ctx)
	return f
}

func (f *clusterFacts) work(ctx context.Context) {
	defer close(f.done)
	tries := 0
	for node := range f.offers {
		if len(f.names) == 0 || f.result.err == nil || tries == clusterNodes || ctx.Err() != nil {
			continue
		}
		tries++
		f.result = f.read(node)
	}
}

// offer takes a node whose agent has succeeded. It does not block.
func (f *clusterFacts) offer(node string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if !f.seen[node] {
		f.seen[node] = true
		f.offers <- node // there is room for every node
	}
}

// wait returns the facts when nothing more is offered.
func (f *clusterFacts) wait() result {
	close(f.offers)
	<-f.done
	return f.result
}

// isClusterCollector reports whether the collector, or a part of the Pods'
// nodes among others, concerns the whole cluster.
func isClusterCollector(c schema.Collector) bool { return c == "k8s" || c == "topology" }

// clusterCollectors are those of the wanted collectors that concern the whole
// cluster; none wanted means all.
func clusterCollectors(wanted []schema.Collector) []schema.Collector {
	if len(wanted) == 0 {
		return []schema.Collector{"k8s", "topology"}
	}
	out := slices.DeleteFunc(slices.Clone(wanted), func(c schema.Collector) bool { return !isClusterCollector(c) })
	slices.Sort(out)
	return slices.Compact(out)
}

// isClusterPart reports whether a part that is required concerns the whole
// cluster.
func isClusterPart(p schema.CollectorPart) bool {
	c, _, part := strings.Cut(string(p), ".")
	return c == "topology" || c == "k8s" && (!part || p != "k8s.node")
}

// forCluster is the Job that reads the facts about the cluster, on one node. It
// needs no GPU and nothing of its host.
func (r run) forCluster(n kube.GPUNode, names []schema.Collector, limit time.Duration) run {
	r.name += "-cluster"
	r.nodes, r.answered, r.limit = nil, nil, limit
	r.agent.NodeSelector = append(slices.Clone(r.agent.NodeSelector), "kubernetes.io/hostname="+n.Hostname)
	r.agent.RequireGPU, r.agent.Privileged, r.agent.RuntimeClass = false, false, ""
	r.collect.Collectors = names
	r.collect.Require = slices.DeleteFunc(slices.Clone(r.collect.Require), func(p schema.CollectorPart) bool { return !isClusterPart(p) })
	return r
}

// untilGrace is how long a Job may take so that its result can still be read.
func untilGrace(ctx context.Context) time.Duration {
	end, _ := ctx.Deadline()
	return max(time.Second, time.Until(end)-grace)
}
