package crds

import (
	"testing"

	"github.com/NVIDIA/eidos/schema/path"
)

func TestLive(t *testing.T) {
	l, err := NewLive()
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range []struct{ apiVersion, kind, field, must, want string }{
		{"apps/v1", "Deployment", "status.availableReplicas", ">= 1", ""},
		{"apps/v1", "Deployment", "status.availableReplica", ">= 1", `Deployment.status has no field "availableReplica"`},
		{"apps/v1", "Deployment", "spec.template.spec.containers[*].image", "*", ""},
		{"apps/v1", "Deployment", "spec.template.spec.containers.image", "*", "Deployment.spec.template.spec.containers is a list"},
		{"apps/v1", "Deployment", "spec.replicas[0]", "*", "Deployment.spec.replicas is not a list"},
		{"v1", "Node", "status.conditions[type=Ready].status", "True", ""},
		{"v1", "Node", "status.conditions[typ=Ready].status", "True", `Node.status.conditions[] has no field "typ"`},
		{"v1", "Node", `status.allocatable.nvidia\.com/gpu`, ">= 1", ""},
		{"v1", "Node", `metadata.labels."a.b/c"`, "*", ""},
		{"v1", "Node", "metadata.lables.a", "*", `metadata has no field "lables"`},
		{"nvidia.com/v1", "ClusterPolicy", "status.state", "ready", ""},
		{"nvidia.com/v1", "ClusterPolicy", "status.state", "redy", `ClusterPolicy.status.state is never "redy", only ignored, ready, notReady`},
		{"nvidia.com/v1", "ClusterPolicy", "status.status", "ready", `ClusterPolicy.status has no field "status"`},
		{"nvidia.com/v1", "ClusterPolicy", "spec.driver.enabled", "true", ""},
		{"helm.toolkit.fluxcd.io/v2", "HelmRelease", "status.history[0].chartVersion", "1", ""},
		{"helm.toolkit.fluxcd.io/v2", "HelmRelease", "spec.chart.spec.version", "1", ""},
		{"helm.toolkit.fluxcd.io/v2", "HelmRelease", "spec.chart.version", "1", `HelmRelease.spec.chart has no field "version"`},
		{"argoproj.io/v1alpha1", "Application", "status.history[0].revision", "1", ""},
		{"k8s.mariadb.com/v1alpha1", "MariaDB", "spec.cleanupPolicy", "Keep", `MariaDB.spec.cleanupPolicy is never "Keep", only Skip, Delete`},
		{"k8s.mariadb.com/v1alpha1", "MariaDB", "spec.storage.size", "1Gi", ""},
		{"k8s.mariadb.com/v1alpha1", "MariaDB", "spec.storag", "*", `MariaDB.spec has no field "storag"`},
		{"karpenter.sh/v1", "NodePool", "status.condition[type=Ready].status", "True", `NodePool.status has no field "condition"`},
		{"networking.gke.io/v1", "GKENetworkParamSet", "status.conditions[type=Ready].status", "yes", `GKENetworkParamSet.status.conditions[].status is never "yes", only True, False, Unknown`},
		{"mellanox.com/v1alpha1", "NicClusterPolicy", "status.state", "redy", `NicClusterPolicy.status.state is never "redy", only ignore, notReady, ready, error`},
		{"psmdb.percona.com/v1", "PerconaServerMongoDB", "status.states", "ready", `PerconaServerMongoDB.status has no field "states"`},
		{"slinky.slurm.net/v1beta1", "NodeSet", "status.ready", "1", `NodeSet.status has no field "ready"`},
		{"nfd.openshift.io/v1", "NodeFeatureDiscovery", "status.conditions[type=Available].status", "True", ""},
		{"aibom.k8saibom.dev/v1alpha1", "AIBOMControllerConfig", "status.phase", "*", `AIBOMControllerConfig.status has no field "phase"`},
		{"nodewright.nvidia.com/v1alpha1", "NodeWright", "status.status", "complete", "unknown"},
		{"example.com/v1", "Thing", "status.phase", "Ready", "unknown"},
		{"example.com/v1", "Thing", "metadata.name", "a", ""},
	} {
		p, err := path.ParsePattern(k.field)
		if err != nil {
			t.Fatal(err)
		}
		known, err := l.Check(k.apiVersion, k.kind, p, k.must)
		got := ""
		switch {
		case err != nil:
			got = err.Error()
		case !known:
			got = "unknown"
		}
		if got != k.want {
			t.Errorf("%s %s: %q, want %q", k.kind, k.field, got, k.want)
		}
	}
}
