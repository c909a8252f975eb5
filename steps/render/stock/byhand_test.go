//go:build linux

package stock

import (
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Helm keeps the labels of a release that somebody upgrades by hand: deploy.sh still
// brings back what the bundle has, and then leaves it alone.
func TestUpgradedByHand(t *testing.T) {
	i := newInstall(t, "components")
	namespace := i.Namespace + "-second"
	i.Run(t, 0, []string{"second: installed"}, "deploy.sh")
	i.Run(t, 0, []string{"REVISION: 2"}, "-c", `helm upgrade second components/second/second-1.0.0.tgz --namespace "$1" --reuse-values --set word=hand`, "sh", namespace)
	i.Run(t, 0, []string{"[1/2] first: unchanged", "[2/2] second: installed"}, "deploy.sh")
	i.Run(t, 0, []string{"[1/2] first: unchanged\n[2/2] second: unchanged\n"}, "deploy.sh")
	cm, err := i.Client.CoreV1().ConfigMaps(namespace).Get(t.Context(), "second", metav1.GetOptions{})
	if err != nil || cm.Data["key"] != "one" {
		t.Errorf("%v %v", cm.Data, err)
	}
}
