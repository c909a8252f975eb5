package agent

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/steps/kube"
)

// rounds is how many Jobs a fleet can take. One does, unless a node that was
// done early took a second Pod in place of one that was busy.
const rounds = 3

// runAll takes a snapshot of every GPU node, or of every node that the settings
// select, and merges them.
//
// NotFound if there is no such node. A node without a snapshot is an error, or
// with BestEffort a failed collector "agent".
func runAll(ctx context.Context, c *kube.Client, r run, o Options) (*schema.Snapshot, error) {
	all, err := c.Nodes(ctx, strings.Join(r.agent.NodeSelector, ","))
	if err != nil {
		return nil, err
	}
	nodes, unreachable, err := choose(all, r)
	if err != nil {
		return nil, err
	}
	facts := newClusterFacts(ctx, c, r, nodes, o)
	results, err := visitAll(ctx, c, r, nodes, facts.offer, o)
	for _, res := range results {
		if res.err == nil { // its agent may have failed to write what it printed
			facts.offer(res.node)
		}
	}
	cluster := facts.wait()
	if err != nil {
		return nil, err
	}
	return merge(append(results, unreachable...), fleet{nodes, facts.names, cluster}, r.collect.BestEffort, o)
}

// visitAll returns a result for every one of nodes, and calls answered as soon
// as it knows of one that has succeeded. The error is of the Job as a whole. The
// scheduler chooses which Pod goes to which node, so a round may leave nodes out; these
// are visited by another Job, within the time that is left.
func visitAll(ctx context.Context, c *kube.Client, r run, nodes []kube.GPUNode, answered func(node string), o Options) ([]result, error) {
	var results []result
	left := nodes
	var why error // of those that are left
	for round := 1; len(left) > 0 && round <= rounds; round++ {
		one := r
		one.nodes, one.answered = left, answered
		if round > 1 {
			one.name = fmt.Sprintf("%s-%d", r.name, round)
			o.Log("%d nodes had no Pod; again", len(left))
			one.limit = untilGrace(ctx)
		}
		got, err := runJob(ctx, c, one, o)
		if err != nil && round == 1 {
			return nil, err
		}
		if why = err; why != nil {
			break // what the rounds before have found is not lost
		}
		var fresh []result
		fresh, left = visited(left, got)
		results = append(results, fresh...)
		i := slices.IndexFunc(got, func(g result) bool { return g.node == "" })
		if i >= 0 {
			why = got[i].err
		}
		if len(fresh) == 0 || schema.CodeOf(why) == schema.Timeout {
			break
		}
	}
	for _, n := range left {
		err := schema.Errorf(schema.Failed, "no Pod of the Job ran on node %s", n.Name)
		if why != nil {
			err = schema.Errorf(schema.CodeOf(why), "no Pod of the Job ran on node %s: %w", n.Name, why)
		}
		results = append(results, result{node: n.Name, err: err})
	}
	return results, nil
}

// choose splits the nodes to visit from those that no Pod of ours can run on.
func choose(all []kube.GPUNode, r run) (nodes []kube.GPUNode, unreachable []result, err error) {
	tolerations, err := kube.Tolerations("agent.toleration", r.agent.Toleration)
	if err != nil {
		return nil, nil, err
	}
	for _, n := range all {
		if !n.GPU && len(r.agent.NodeSelector) == 0 {
			continue
		}
		if taint := n.Untolerated(tolerations); taint != "" {
			unreachable = append(unreachable, result{node: n.Name, err: schema.Errorf(schema.Failed, "node %s has taint %s", n.Name, taint).
				WithHint("%s %s lets the agent run there", schema.Parameter("agent.toleration"), taint)})
			continue
		}
		nodes = append(nodes, n)
	}
	if len(nodes)+len(unreachable) == 0 {
		e := schema.Errorf(schema.NotFound, "no node of %d has a GPU", len(all)).WithHint("choose nodes with %s KEY=VALUE", schema.Parameter("agent.nodeSelector"))
		if len(r.agent.NodeSelector) > 0 {
			e = schema.Errorf(schema.NotFound, "no node has the labels %s", strings.Join(r.agent.NodeSelector, ", "))
		}
		return nil, nil, e
	}
	return nodes, unreachable, nil
}

// visited returns the first result of every node, and the nodes without one.
func visited(nodes []kube.GPUNode, got []result) (fresh []result, left []kube.GPUNode) {
	seen := map[string]bool{}
	for _, res := range got {
		if res.node == "" || seen[res.node] {
			continue
		}
		seen[res.node] = true
		fresh = append(fresh, res)
	}
	for _, n := range nodes {
		if !seen[n.Name] {
			left = append(left, n)
		}
	}
	return fresh, left
}
