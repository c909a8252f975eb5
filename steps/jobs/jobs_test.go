package jobs

import (
	"bytes"
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/NVIDIA/eidos/engine"
	"github.com/NVIDIA/eidos/engine/remote"
	"github.com/NVIDIA/eidos/engine/run"
	"github.com/NVIDIA/eidos/engine/store"
	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/tools/kube/kubetest"
)

const everything = `
secrets: {token: {env: TOKEN}}
steps:
  a: {uses: say, with: {text: hello, big: 3}}
  b: {uses: say, matrix: {x: [1, 2, 3]}, max-parallel: 2, in: {after: a}, with: {text: "row ${matrix.x}", big: 2}}
  c: {uses: say, in: {after: b}, with: {text: all}}
  d: {uses: secret, secrets: [token]}
  e: {uses: say, continue-on-error: true, with: {text: bad, code: unsatisfied}}
`

func outcomes(res *run.Result) []any {
	var out []any
	for _, s := range res.Steps {
		msg := ""
		if s.Err != nil {
			msg = s.Err.Error()
		}
		out = append(out, []any{s.ID, s.State, s.Artifact, msg})
	}
	return out
}

// Steps in Pods give the bytes that steps in this process give; the rows of a
// matrix are one Indexed Job, what they say comes back, and nothing is left.
func testSameBytes(t *testing.T, w *world) {
	w.set(t, nil)
	ctx := context.Background()
	s, err := store.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	r := run.Runner{Store: s, LookupEnv: func(string) (string, bool) { return "sesame-open", true }}
	want, err := r.Run(ctx, compile(t, everything))
	if err != nil {
		t.Fatal(err)
	}
	var jobs []batchv1.Job
	watching, stop := context.WithCancel(ctx)
	defer stop()
	seen := make(chan struct{})
	go func() {
		defer close(seen)
		events, err := w.Client.BatchV1().Jobs(w.Namespace).Watch(watching, metav1.ListOptions{})
		if err != nil {
			t.Error(err)
			return
		}
		for e := range events.ResultChan() {
			if j, ok := e.Object.(*batchv1.Job); ok && e.Type == "ADDED" {
				jobs = append(jobs, *j)
			}
		}
	}()
	got, told, err := w.run(t, ctx, everything, nil)
	if err != nil {
		t.Fatal(err)
	}
	w.clean(t)
	stop()
	<-seen
	if d := cmp.Diff(outcomes(want), outcomes(got)); d != "" {
		t.Errorf("results differ (-here +in the cluster):\n%s", d)
	}
	for _, want := range []string{"b[2]: saying row 2", "a: saying hello", "d: it is ***"} {
		if !slices.Contains(told, want) {
			t.Errorf("not told: %s\n%s", want, strings.Join(told, "\n"))
		}
	}
	var shapes []string
	for _, j := range jobs {
		step, index := j.Labels["eidos.nvidia.com/step"], ""
		if j.Spec.CompletionMode != nil && *j.Spec.CompletionMode == batchv1.IndexedCompletion {
			index = " of " + strconv.Itoa(int(*j.Spec.Completions)) + ", " + strconv.Itoa(int(*j.Spec.Parallelism)) + " at once"
		}
		shapes = append(shapes, step+index)
	}
	slices.Sort(shapes)
	if d := cmp.Diff([]string{"a", "b of 3, 2 at once", "c", "d", "e"}, shapes); d != "" {
		t.Errorf("jobs: %s", d)
	}
}

// A step's error is what it said, with its code; the rows that are well are
// kept, and the root cause is told once.
func testFailures(t *testing.T, w *world) {
	w.set(t, nil)
	text := `
steps:
  a: {uses: say, matrix: {code: [ok, not-found]}, with: {text: "row ${matrix.code}", code: "${matrix.code}"}}
  b: {uses: say, in: {after: a}}
`
	res, _, err := w.run(t, context.Background(), text, func(_ *Options, r *run.Runner) { r.KeepGoing = true })
	if schema.CodeOf(err) != schema.NotFound || !strings.Contains(err.Error(), "row not-found went wrong") {
		t.Errorf("got %v", err)
	}
	if a := res.Step("a[ok]"); a == nil || a.State != engine.Done {
		t.Errorf("the row that is well: %+v", a)
	}
	if a := res.Step("a[not-found]"); a.Artifact.Digest == "" {
		t.Error("the result beside the error is lost")
	}
	if w.count("a[not-found]") != 1 {
		t.Errorf("%d Pods for a step that failed by itself, want 1", w.count("a[not-found]"))
	}
	w.clean(t)
}

// A Pod that is killed says nothing: the Job starts another, for that index
// only. One that is always killed fails its step, and no other.
func testKilled(t *testing.T, w *world) {
	w.set(t, map[string]int{"a[2]": 1, "b": 99})
	text := `
steps:
  a: {uses: say, matrix: {x: [1, 2]}, with: {text: "row ${matrix.x}"}}
  b: {uses: say, with: {text: doomed}}
`
	res, _, err := w.run(t, context.Background(), text, func(_ *Options, r *run.Runner) { r.KeepGoing = true })
	if schema.CodeOf(err) != schema.Unavailable || !strings.Contains(err.Error(), "ended with status 137 and without a result") {
		t.Errorf("got %v", err)
	}
	if res.Step("a[2]").State != engine.Done || w.count("a[1]") != 1 || w.count("a[2]") != 2 || w.count("b") != 1+restarts {
		t.Errorf("%s; Pods: a[1] %d, a[2] %d, b %d", res.Step("a[2]").State, w.count("a[1]"), w.count("a[2]"), w.count("b"))
	}
	w.clean(t)
}

// The run's own retries are the run's: only the row that failed comes again.
func testRetry(t *testing.T, w *world) {
	w.set(t, nil)
	text := `
steps:
  a: {uses: say, matrix: {code: [ok, unavailable]}, with: {text: "row ${matrix.code}", code: "${matrix.code}"}, retry: {limit: 2, backoff: 1ms}}
`
	res, _, err := w.run(t, context.Background(), text, func(_ *Options, r *run.Runner) { r.KeepGoing = true })
	if schema.CodeOf(err) != schema.Unavailable {
		t.Errorf("got %v", err)
	}
	if got := res.Step("a[unavailable]").Attempts; got != 2 || w.count("a[unavailable]") != 2 || w.count("a[ok]") != 1 {
		t.Errorf("%d attempts, %d Pods, and %d of the other row", got, w.count("a[unavailable]"), w.count("a[ok]"))
	}
	w.clean(t)
}

func testInterrupt(t *testing.T, w *world) {
	w.set(t, nil)
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		for w.count("a[2]") == 0 && w.count("a[1]") == 0 {
			time.Sleep(10 * time.Millisecond)
		}
		cancel()
	}()
	_, _, err := w.run(t, ctx, "steps:\n  a: {uses: block, matrix: {x: [1, 2]}}\n", nil)
	if schema.CodeOf(err) != schema.Canceled {
		t.Errorf("got %v", err)
	}
	w.clean(t)
	_, _, err = w.run(t, context.Background(), "steps:\n  a: {uses: block, timeout: 1s}\n", nil)
	if schema.CodeOf(err) != schema.Timeout {
		t.Errorf("got %v", err)
	}
	w.clean(t)
}

func testMissingImage(t *testing.T, w *world) {
	w.set(t, nil)
	_, _, err := w.run(t, context.Background(), "steps:\n  a: {uses: say}\n", func(o *Options, _ *run.Runner) { o.Pods.Image = "missing:1" })
	if err == nil || !strings.Contains(err.Error(), "cannot start: ImagePullBackOff") || hint(err) != "is the image right, and can the cluster pull it? --image, --image-pull-secret" {
		t.Errorf("got %v, hint %q", err, hint(err))
	}
	w.clean(t)
}

func hint(err error) string {
	for _, e := range schema.List(err) {
		if se, ok := e.(*schema.Error); ok {
			return se.Hint
		}
	}
	return ""
}

// The rights that the hint names are enough, and each of them is needed.
func testLeastPrivilege(t *testing.T, w *world) {
	w.set(t, nil)
	text := "secrets: {token: {env: TOKEN}}\nsteps:\n  a: {uses: secret, secrets: [token]}\n"
	all := []struct {
		group, resource string
		verbs           []string
	}{
		{"batch", "jobs", []string{"create", "get", "patch", "delete"}},
		{"", "pods", []string{"list"}},
		{"", "pods/log", []string{"get"}},
		{"", "secrets", []string{"create", "patch"}},
	}
	grant := func(without string) string {
		var list []rbacv1.PolicyRule
		for _, a := range all {
			verbs := slices.DeleteFunc(slices.Clone(a.verbs), func(v string) bool { return v+" "+a.resource == without })
			if len(verbs) > 0 {
				list = append(list, kubetest.Rule(a.group, a.resource, verbs...))
			}
		}
		return w.As(t, list...)
	}
	with := func(path string) error {
		_, told, err := w.run(t, context.Background(), text, func(o *Options, _ *run.Runner) { o.Kube.Kubeconfig = path })
		for _, l := range told { // what is left behind, or could not be heard
			if err == nil && strings.Contains(l, "forbidden") {
				return schema.Errorf(schema.Unauthorized, "%s", l)
			}
		}
		return err
	}
	if err := with(grant("")); err != nil {
		t.Fatalf("with all rights: %v", err)
	}
	w.clean(t)
	for _, a := range all {
		for _, v := range a.verbs {
			without := v + " " + a.resource
			if err := with(grant(without)); schema.CodeOf(err) != schema.Unauthorized {
				t.Errorf("without %s: %v", without, err)
			}
		}
	}
}

// What a run that was interrupted had done in the cluster is not done again.
func testResumed(t *testing.T, w *world) {
	w.set(t, nil)
	task := engine.Task{Run: "r1", Step: "a", Attempt: 1, Uses: "say", Version: 1, With: []byte(`{"text":"once"}`)}
	far := store.NewMemory()
	res := remote.Run(context.Background(), kinds(), far, task, engine.Env{Log: func(string, ...any) {}, Progress: func(int64, int64, string) {}})
	if err := remote.Deliver(context.Background(), task, w.cache(t), far, res); err != nil {
		t.Fatal(err)
	}
	got, told, err := w.run(t, context.Background(), "steps:\n  a: {uses: say, with: {text: once}}\n", func(_ *Options, r *run.Runner) { r.Resume = "r1" })
	if err != nil {
		t.Fatal(err)
	}
	if w.count("a") != 0 || got.Step("a").Artifact != res.Artifact || !slices.Contains(told, "a: done before, by a Pod of the same run") {
		t.Errorf("%d Pods, %v, %v", w.count("a"), got.Step("a").Artifact, told)
	}
}

// With --no-cleanup a Job stays, and owns the Secret of its step; the secret is
// nowhere in the registry. Its Pods have no token, and the login that is named.
func testKept(t *testing.T, w *world) {
	w.set(t, nil)
	ctx := context.Background()
	text := "secrets: {token: {env: TOKEN}}\nsteps:\n  a: {uses: secret, secrets: [token]}\n"
	_, _, err := w.run(t, ctx, text, func(o *Options, _ *run.Runner) { o.Pods.NoCleanup, o.Pods.RegistrySecret = true, "login" })
	if err != nil {
		t.Fatal(err)
	}
	jobs, err := w.Client.BatchV1().Jobs(w.Namespace).List(ctx, metav1.ListOptions{LabelSelector: labelRun})
	if err != nil || len(jobs.Items) != 1 {
		t.Fatalf("%d jobs, %v", len(jobs.Items), err)
	}
	job := jobs.Items[0]
	pod := job.Spec.Template.Spec
	if v := pod.AutomountServiceAccountToken; v == nil || *v {
		t.Error("its Pods have a token")
	}
	if !slices.ContainsFunc(pod.Volumes, func(v corev1.Volume) bool { return v.Secret != nil && v.Secret.SecretName == "login" }) {
		t.Errorf("its Pods have no login: %+v", pod.Volumes)
	}
	secrets, err := w.Client.CoreV1().Secrets(w.Namespace).List(ctx, metav1.ListOptions{LabelSelector: labelRun})
	if err != nil || len(secrets.Items) != 1 {
		t.Fatalf("%d secrets, %v", len(secrets.Items), err)
	}
	if o := secrets.Items[0].OwnerReferences; len(o) != 1 || o[0].UID != job.UID {
		t.Errorf("the Secret's owner is %+v", o)
	}
	files := 0
	err = filepath.WalkDir(w.registryDir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		files++
		data, err := os.ReadFile(path)
		if bytes.Contains(data, []byte("sesame-open")) {
			t.Errorf("the secret is in %s", path)
		}
		return err
	})
	if err != nil || files == 0 {
		t.Errorf("%d files in the registry, %v", files, err)
	}
	background := metav1.DeletePropagationBackground
	if err := w.Client.BatchV1().Jobs(w.Namespace).Delete(ctx, job.Name, metav1.DeleteOptions{PropagationPolicy: &background}); err != nil {
		t.Fatal(err)
	}
	w.clean(t)
}
