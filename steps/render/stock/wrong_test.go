//go:build linux

package stock

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// The scripts find their bundle and the caller's cluster from any directory, and print
// the cluster; where Helm would take another one, they do nothing.
func TestCluster(t *testing.T) {
	for _, layout := range []string{"components", "umbrella"} {
		i := newInstall(t, layout)
		parent := filepath.Dir(i.Dir)
		kubeconfig, err := os.ReadFile(i.Kubeconfig)
		if err != nil {
			t.Fatal(err)
		}
		i.Write(t, "../mine.yaml", string(kubeconfig))
		i.Write(t, "../elsewhere/bundle/deploy.sh", "echo another bundle")
		i.Env = append(i.Env, "KUBECONFIG=mine.yaml:"+parent+"/none.yaml", "CDPATH="+parent+"/elsewhere")
		run := func(status int, want string, script string, args ...string) {
			t.Helper()
			cmd := i.Command(t.Context(), append([]string{"bundle/" + script}, args...)...)
			cmd.Dir = parent
			out, err := cmd.CombinedOutput()
			if cmd.ProcessState.ExitCode() != status || !strings.Contains(string(out), want) {
				t.Errorf("%s: %v, want status %d and %q in\n%s", script, err, status, want, out)
			}
		}
		run(0, ", "+i.Config.Host+"\n", "deploy.sh")
		var keep []string // no controller deletes a namespace
		if layout == "components" {
			keep = append(keep, "--keep-namespaces")
		}
		run(0, ", "+i.Config.Host+"\n", "undeploy.sh", keep...)
		for _, variable := range []string{"HELM_KUBECONTEXT=other", "HELM_KUBEAPISERVER=https://127.0.0.1:1"} {
			env := i.Env
			i.Env = append(env[:len(env):len(env)], variable)
			run(2, "kubectl may take another cluster: unset them. Nothing was changed.", "deploy.sh")
			run(2, "kubectl may take another cluster: unset them. Nothing was changed.", "undeploy.sh")
			i.Env = env
		}
		for _, script := range []string{"deploy.sh", "undeploy.sh"} {
			if err := os.Symlink(filepath.Join(i.Dir, script), filepath.Join(parent, "elsewhere", script)); err != nil {
				t.Fatal(err)
			}
			i.Run(t, 2, []string{"no bundle in " + parent + "/elsewhere: run this script where it is"}, "../elsewhere/"+script)
		}
	}
}

// An option whose word is empty, as that of a variable that is not set, is a mistake:
// it is neither every component nor no policy.
func TestEmptyOptions(t *testing.T) {
	i := newInstall(t, "components")
	for _, option := range []string{"--only", "--from", "--verify"} {
		i.Run(t, 2, []string{"usage: "}, "deploy.sh", "--dry-run", option, "")
	}
}
