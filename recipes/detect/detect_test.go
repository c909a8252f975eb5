package detect

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"

	"github.com/NVIDIA/eidos/recipes"
	"github.com/NVIDIA/eidos/schema"
)

func words(t testing.TB) *recipes.Words {
	t.Helper()
	cat, err := recipes.Shipped()
	if err != nil {
		t.Fatal(err)
	}
	w, err := cat.Words()
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// TestSnapshots: clusters of today, and what they show. EIDOS_UPDATE rewrites.
func TestSnapshots(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) < 20 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	w := words(t)
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			ar, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			var s schema.Snapshot
			if err := schema.Decode("snapshot.yaml", ar.Files[0].Data, &s); err != nil {
				t.Fatal(err)
			}
			res := Snapshot(w, &s)
			var got strings.Builder
			for _, d := range res.Detected {
				fmt.Fprintln(&got, Sentence(d))
				for _, also := range d.Also {
					fmt.Fprintf(&got, "  also %s\n", also)
				}
				if (d.Value == "") == (d.Open == "") || (d.Value == "") == (d.Evidence != "") {
					t.Errorf("%s is neither decided nor open: %+v", d.Field, d)
				}
			}
			// What is written is a document that can be read.
			text, err := schema.EncodeYAML(res)
			if err != nil {
				t.Fatal(err)
			}
			var again schema.DetectionResult
			if err := schema.Decode("detection.yaml", text, &again); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(res, &again); diff != "" {
				t.Errorf("read again (-want +got):\n%s", diff)
			}
			if os.Getenv("EIDOS_UPDATE") != "" {
				ar.Files[1].Data = []byte(got.String())
				if err := os.WriteFile(file, txtar.Format(ar), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if diff := cmp.Diff(string(ar.Files[1].Data), got.String()); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// TestModels: every accelerator is found by the name that NVML has for it, and
// not by that of another.
func TestModels(t *testing.T) {
	w := words(t)
	for model, want := range map[string]string{
		"NVIDIA A100-SXM4-80GB": "a100", "NVIDIA H100 80GB HBM3": "h100", "NVIDIA H100 NVL": "h100", "NVIDIA H200": "h200",
		"NVIDIA GH200 480GB": "gh200", "NVIDIA B200": "b200", "NVIDIA B300 SXM6 AC": "b300", "NVIDIA GB200": "gb200",
		"NVIDIA GB300": "gb300", "NVIDIA L4": "l4", "NVIDIA L40": "l40", "NVIDIA L40S": "l40s", "NVIDIA VR200": "vr200",
		"NVIDIA RTX PRO 6000 Blackwell Server Edition": "rtx-pro-6000", "NVIDIA RTX 6000 Ada Generation": "",
		"NVIDIA A100X": "", "Tesla T4": "", "NVIDIA-H100-80GB-HBM3-SHARED": "h100", "nvidia-tesla-a100": "a100",
		"nvidia-h200-141gb": "h200", "H100_NVLINK_80GB": "h100",
	} {
		if got := strings.Join(covering(w.Fields["accelerator"], model), " "); got != want {
			t.Errorf("%s: %q, want %q", model, got, want)
		}
	}
}

func TestLike(t *testing.T) {
	for _, tt := range []struct {
		text, pattern string
		want          bool
	}{
		{"v1.33.5-eks-113cf36", "*-eks-*", true}, {"v1.33.5", "*-eks-*", false}, {"Ubuntu", "ubuntu", true},
		{"aws:///a", "aws://*", true}, {"xaws://a", "aws://*", false}, {"ab", "a*b*c", false}, {"aXbYc", "a*b*c", true},
		{"aba", "ab*ba", false}, {"", "*", true},
	} {
		if got := like(tt.text, tt.pattern); got != tt.want {
			t.Errorf("like(%q, %q) = %v", tt.text, tt.pattern, got)
		}
	}
}

func BenchmarkSnapshot(b *testing.B) {
	w := words(b)
	data, err := os.ReadFile("../../testdata/snapshots/h100-eks.yaml")
	if err != nil {
		b.Fatal(err)
	}
	var s schema.Snapshot
	if err := schema.Decode("h100-eks.yaml", data, &s); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		Snapshot(w, &s)
	}
}

// TestRules, one at a time.
func TestRules(t *testing.T) {
	m := func(typ schema.MeasurementType, subtype, key, value string) schema.Measurement {
		return schema.Measurement{Type: typ, Subtypes: []schema.Subtype{{Subtype: subtype, Data: map[string]schema.Scalar{key: value}}}}
	}
	for name, tt := range map[string]struct {
		in   []schema.Measurement
		want string // field=value pairs
		note string
	}{
		"nothing":            {nil, "", "no measurement that could show it; not looked at: "},
		"eks":                {[]schema.Measurement{m("K8s", "server", "version", "v1.33.5-eks-3025e55")}, "service=eks", ""},
		"gke":                {[]schema.Measurement{m("K8s", "server", "version", "v1.33.5-gke.1337000")}, "service=gke", ""},
		"aks":                {[]schema.Measurement{m("K8s", "server", "version", "v1.33.5"), m("K8s", "node", "provider-id", "azure:///subscriptions/x")}, "service=aks", ""},
		"oke":                {[]schema.Measurement{m("K8s", "node", "provider-id", "ocid1.instance.oc1..x")}, "service=oke", ""},
		"kind":               {[]schema.Measurement{m("K8s", "node", "provider-id", "kind://docker/kind/kind-worker")}, "service=kind", ""},
		"own on AWS":         {[]schema.Measurement{m("K8s", "server", "version", "v1.33.5"), m("K8s", "node", "provider-id", "aws:///us-east-1a/i-0")}, "", "suggests eks, but K8s.server.version = v1.33.5: an EKS"},
		"eks by id":          {[]schema.Measurement{m("K8s", "node", "provider-id", "aws:///us-east-1a/i-0")}, "service=eks", ""},
		"nvml":               {[]schema.Measurement{m("GPU", "device", "0.model", "NVIDIA GB200"), m("GPU", "smi", "gpu.model", "NVIDIA H100")}, "", "more than one: gb200"},
		"label":              {[]schema.Measurement{m("NodeTopology", "label", "nvidia.com/gpu.product.NVIDIA-A100-SXM4-80GB", "node-1")}, "accelerator=a100", ""},
		"not an l40":         {[]schema.Measurement{m("GPU", "smi", "gpu.model", "NVIDIA L40S")}, "accelerator=l40s", ""},
		"l40":                {[]schema.Measurement{m("GPU", "smi", "gpu.model", "NVIDIA L40")}, "accelerator=l40", ""},
		"two":                {[]schema.Measurement{m("GPU", "device", "0.model", "NVIDIA A100"), m("GPU", "device", "1.model", "NVIDIA H100")}, "", "more than one: a100"},
		"amazonlinux":        {[]schema.Measurement{m("OS", "release", "ID", "amzn")}, "os=amazonlinux", ""},
		"rhel":               {[]schema.Measurement{m("OS", "release", "ID", "rhel")}, "os=rhel", ""},
		"no recipe's system": {[]schema.Measurement{m("OS", "release", "ID", "debian")}, "", "no word of the catalogue covers debian"},
	} {
		var got, notes []string
		for _, d := range Snapshot(words(t), &schema.Snapshot{Measurements: tt.in}).Detected {
			switch {
			case d.Value == "":
				notes = append(notes, d.Open)
			case !strings.Contains(d.Evidence, " = "):
				t.Errorf("%s: evidence %q", name, d.Evidence)
			default:
				got = append(got, d.Field+"="+d.Value)
			}
		}
		if strings.Join(got, " ") != tt.want {
			t.Errorf("%s: %v, want %s", name, got, tt.want)
		}
		if text := strings.Join(notes, "; "); !strings.Contains(text, tt.note) {
			t.Errorf("%s: notes %q, want %q", name, text, tt.note)
		}
	}
}
