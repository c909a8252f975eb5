package compile

import (
	"fmt"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"

	"github.com/NVIDIA/eidos/schema"
)

// TestWhereMistakesAre: what only the grammar refuses is reported where the author
// wrote it, once, in words, and with the name that it may have meant.
func TestWhereMistakesAre(t *testing.T) {
	for name, tt := range map[string]struct {
		site string
		want []string
	}{
		"names": {`
-- overlays/x.cue --
package overlays

x: {
	base: "eks-inference"
	criteria: {accelerator: "l40", os: ["ubuntu"]}
	components: {"gpu-operater": {}, "network-operator": null, "aws-efa": dependsOn: "GPU-Operator": true}
	override: components: "gpu-operater": version: "v1.2.3"
	drop: ["nvsentinel"]
	mixins: "os-ubunto": true
	checks: "dra-suport": true
	constraints: "K8s.server.version": {value: ">= 1.33", severity: "warn"}
	profiles: p: {description: "d", default: "a", choices: a: {description: "a", components: "cert-manger": {}}}
}
-- mixins/y.cue --
package mixins

"os-ubuntu": description: "d"
-- words/os.cue --
package words

os: "My OS": {display: "My"}
`, []string{
			"site/overlays/x.cue:5:33: overlays.x.criteria.os: unknown operating system; words/os.cue has them (use My OS, amazonlinux",
			"site/overlays/x.cue:6:15: overlays.x.components.gpu-operater: unknown component; components/*.cue has one file each (did you mean gpu-operator?)",
			"site/overlays/x.cue:6:55: overlays.x.components.network-operator: null, where a mapping is wanted ()",
			"site/overlays/x.cue:6:83: overlays.x.components.aws-efa.dependsOn.GPU-Operator: unknown component; components/*.cue has one file each (did you mean gpu-operator?)",
			"site/overlays/x.cue:7:24: overlays.x.override.components.gpu-operater: unknown component; components/*.cue has one file each (did you mean gpu-operator?)",
			"site/overlays/x.cue:8:8: overlays.x.drop: a list, where a mapping is wanted: {NAME: …} ()",
			"site/overlays/x.cue:9:10: overlays.x.mixins.os-ubunto: unknown mixin; mixins/*.cue has one file each (did you mean os-ubuntu?)",
			"site/overlays/x.cue:10:24: overlays.x.checks.dra-suport: unknown check; checks/*.cue define them (did you mean dra-support?)",
			"site/overlays/x.cue:11:66: overlays.x.constraints.K8s.server.version.severity: the severity of a constraint is error or warning ()",
			"site/overlays/x.cue:12:91: overlays.x.profiles.p.choices.a.components.cert-manger: unknown component; components/*.cue has one file each (did you mean cert-manager?)",
			"site/words/os.cue:3:5: words.os.My OS.name: a name is lower-case letters, digits, dots and dashes, at most 63 ()",
		}},
		"levels of one file": {`
-- x.cue --
package recipes

overlays: x: {
	base: "eks"
	criteria: accelerator: "l40"
	profiles: p: {description: "d", default: "a", choices: a: {description: "a", components: "gpu-operator": values: driver: enabled: false}}
	components: "gpu-operator": values: driver: enabled: true
}
`, []string{
			"site/x.cue:6:132: components.gpu-operator.values.driver.enabled: conflicting values false and true; see also site/x.cue:7:55 ()",
		}},
		"a text for a mapping of the component": {`
-- x.cue --
package recipes

overlays: x: {base: "eks", criteria: accelerator: "l40", components: "gpu-operator": values: driver: rdma: "yes"}
`, []string{
			"site/x.cue:3:108: components.gpu-operator.values.driver.rdma: a text, where a mapping is wanted ()",
		}},
		"two overlays that apply together": {`
-- x.cue --
package recipes

overlays: {
	a: {base: "eks-inference", criteria: accelerator: "l40", components: "gpu-operator": values: driver: version: "1"}
	b: {base: "eks", criteria: accelerator: "l40", components: "gpu-operator": values: driver: version: "2"}
}
`, []string{
			`site/x.cue:4:112: components.gpu-operator.values.driver.version: conflicting values "2" and "1"; see also site/x.cue:5:102 ()`,
		}},
		"files": {`
-- x.cue --
package recipes

overlays: "l40-eks": {
	base: "eks"
	criteria: accelerator: "l40"
	drop: "cert-manager": true
	components: {gone: {}, nothing: {}}
}
-- components/own.cue --
package components

gone: {description: "d", namespace: "x", manifests: "gone.yaml": true}
nothing: {description: "d", namespace: "x"}
unused: {description: "d", namespace: "x", manifests: "a.yaml": true}
-- components/unused/manifests/a.yaml --
-- components/noting/manifests/a.yaml --
`, []string{
			`site/components/noting/manifests/a.yaml: : the file is of no component: there is none with the name "noting" (did you mean nothing?)`,
			`site/components/own.cue:4:1: components.nothing: the component deploys nothing (add a chart, manifests: "FILE.yaml": true or kustomize)`,
			`site/components/own.cue:5:1: components.unused: no recipe uses component "unused" (add it to an overlay, or take it away)`,
			`site/components/own.cue:3: components.gone.manifests: there is no file "components/gone/manifests/gone.yaml" (add the file, or take the name away)`,
			`site/x.cue:6: l40-eks.drop.cert-manager: drops "cert-manager", on which component "gpu-operator" depends (drop what depends on it too, or take the drop away)`,
			`site/x.cue:6: l40-eks.drop.cert-manager: drops "cert-manager", on which component "kgateway" depends (drop what depends on it too, or take the drop away)`,
			`site/x.cue:6: l40-eks.drop.cert-manager: drops "cert-manager", on which component "nvsentinel" depends (drop what depends on it too, or take the drop away)`,
		}},
		"manifests": {`
-- x.cue --
package recipes

overlays: "l40-eks": {base: "eks", criteria: accelerator: "l40", components: text: {}}
components: text: {description: "d", namespace: "x", manifests: {"text.yaml": true, "open.yaml": true}}
-- components/text/manifests/text.yaml --
kind: ConfigMap
 metadata: {name: a}
-- components/text/manifests/open.yaml --
kind: ConfigMap
{{ if .Values.text.x }}
`, []string{
			"site/components/text/manifests/open.yaml:3: : not a template: unexpected EOF ()",
			"site/components/text/manifests/text.yaml:2: : not YAML: mapping values are not allowed in this context ()",
		}},
		"text": {`
-- a.cue --
package recipes

overlay: x: {}
-- b.cue --
package recipe
-- overlays/c.cue --
package overlays

x: {
`, []string{
			`site/a.cue:3:1: : has an unknown field "overlay"; did you mean overlays? ()`,
			`site/b.cue:1:9: : is of package "recipe"; write package recipes ()`,
			`site/overlays/c.cue:3:6: : not CUE: expected '}', found 'EOF' ()`,
		}},
	} {
		t.Run(name, func(t *testing.T) {
			tree, err := txtar.FS(txtar.Parse([]byte(tt.site[1:])))
			if err != nil {
				t.Fatal(err)
			}
			src, err := source(t).WithTree(tree, "site")
			if err == nil {
				_, err = Vet(src)
			}
			var got []string
			for _, e := range schema.List(err) {
				se := &schema.Error{}
				if p, ok := e.(*schema.Error); ok {
					se = p
				}
				got = append(got, fmt.Sprintf("%s: %s: %s (%s)", se.Pos, se.Path, se.Msg, se.Hint))
			}
			for i, w := range tt.want {
				if i >= len(got) || !strings.HasPrefix(got[i], w) {
					t.Fatalf("%d is not %s:\n%s", i, w, strings.Join(got, "\n"))
				}
			}
			if len(got) > len(tt.want) {
				t.Errorf("more than wanted:\n%s", strings.Join(got[len(tt.want):], "\n"))
			}
		})
	}
}
