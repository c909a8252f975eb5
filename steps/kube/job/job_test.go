package job

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/steps/kube"
)

// script is a cluster that plays back looks at a Job; the last one stays.
type script struct {
	looks    []look
	at       int
	logs     map[string]func(ctx context.Context, each func(string)) error // by Pod
	warnings []string

	mu      sync.Mutex
	deleted []string
	lines   []string
}

type look struct {
	job  kube.Job
	pods []kube.Pod
	err  error
}

func (s *script) now() look { return s.looks[min(s.at, len(s.looks)-1)] }

func (s *script) Job(context.Context, string, string) (kube.Job, error) {
	return s.now().job, s.now().err
}

func (s *script) JobPods(context.Context, string, string) ([]kube.Pod, error) {
	pods := s.now().pods
	s.at++
	return pods, nil
}

func (s *script) Warnings(context.Context, string, string, string) ([]string, error) {
	return s.warnings, nil
}

func (s *script) PodLog(ctx context.Context, _, pod string, _ bool, each func(string)) error {
	if s.logs[pod] == nil {
		return errors.New("no log")
	}
	return s.logs[pod](ctx, each)
}

func (s *script) Apply(ctx context.Context, _ kube.Object) error { return ctx.Err() }

func (s *script) Delete(ctx context.Context, o kube.Object) error {
	if _, ok := ctx.Deadline(); !ok || ctx.Err() != nil {
		return fmt.Errorf("%s has no time of its own: %w", o.Name(), ctx.Err())
	}
	s.deleted = append(s.deleted, o.Name())
	if o.Name() == "stays" {
		return errors.New("stays")
	}
	return nil
}

func (s *script) log(format string, args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lines = append(s.lines, fmt.Sprintf(format, args...))
}

func (s *script) driver() *Driver {
	return &Driver{Cluster: s, Namespace: "ns", Name: "j", Log: s.log}
}

// last is the last status of a watch.
func last(d *Driver) (s Status, err error) {
	for s, err = range d.Watch(context.Background()) {
	}
	return s, err
}

func TestWatch(t *testing.T) {
	pod := func(name, phase, trouble string, hopeless bool) kube.Pod {
		return kube.Pod{Name: name, Phase: phase, Trouble: trouble, Hopeless: hopeless}
	}
	late := kube.Job{Failed: true, Reason: "DeadlineExceeded"}
	for name, c := range map[string]struct {
		looks    []look
		warnings []string
		needed   func(kube.Pod) bool
		want     Status // of the last look
		err      string
		lines    []string
	}{
		"complete": {
			looks: []look{{pods: []kube.Pod{pod("a", "Running", "", false)}}, {job: kube.Job{Complete: true}, pods: []kube.Pod{pod("a", "Succeeded", "", false)}}},
			want:  Status{Job: kube.Job{Complete: true}, Pods: []kube.Pod{pod("a", "Succeeded", "", false)}},
		},
		"reported once": {
			looks: []look{
				{pods: []kube.Pod{pod("a", "Pending", "no node", false)}},
				{pods: []kube.Pod{pod("a", "Pending", "no node", false)}},
				{pods: []kube.Pod{pod("a", "Running", "", false)}},
				{job: kube.Job{Complete: true}},
			},
			want:  Status{Job: kube.Job{Complete: true}, Pods: []kube.Pod{pod("a", "Running", "", false)}},
			lines: []string{"waiting: pod a: no node"},
		},
		"the deadline took the Pod": {
			looks: []look{{pods: []kube.Pod{pod("a", "Pending", "no node", false)}}, {job: late, pods: []kube.Pod{pod("a", "Failed", "", false)}}},
			want:  Status{Job: late, Pods: []kube.Pod{pod("a", "Pending", "no node", false)}, Trouble: "pod a: no node"},
			lines: []string{"waiting: pod a: no node"},
		},
		"done just before the deadline": {
			looks: []look{{pods: []kube.Pod{pod("a", "Running", "", false)}}, {job: late, pods: []kube.Pod{pod("a", "Succeeded", "", false)}}},
			want:  Status{Job: late, Pods: []kube.Pod{pod("a", "Succeeded", "", false)}},
		},
		"deleted": {
			looks: []look{{pods: []kube.Pod{pod("a", "Pending", "no node", false)}}, {err: schema.Errorf(schema.NotFound, "none")}},
			want:  Status{Pods: []kube.Pod{pod("a", "Pending", "no node", false)}, Trouble: "pod a: no node"},
			err:   "job j was deleted while it ran",
			lines: []string{"waiting: pod a: no node"},
		},
		"refused": {
			looks:    []look{{}, {job: kube.Job{Failed: true}}},
			warnings: []string{"DeadlineExceeded: late", "FailedCreate: pods is forbidden: violates PodSecurity"},
			want:     Status{Job: kube.Job{Failed: true}, Trouble: "FailedCreate: pods is forbidden: violates PodSecurity"},
			lines:    []string{"waiting: FailedCreate: pods is forbidden: violates PodSecurity"},
		},
		"nobody waits for it": {
			looks:  []look{{pods: []kube.Pod{pod("a", "Pending", "ImagePullBackOff", true)}}, {job: kube.Job{Complete: true}}},
			needed: func(kube.Pod) bool { return false },
			want:   Status{Job: kube.Job{Complete: true}, Pods: []kube.Pod{pod("a", "Pending", "ImagePullBackOff", true)}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &script{looks: c.looks, warnings: c.warnings}
				d := s.driver()
				d.Needed = c.needed
				got, err := last(d)
				if diff := cmp.Diff(c.want, got); diff != "" {
					t.Errorf("status (-want +got):\n%s", diff)
				}
				if diff := cmp.Diff(c.lines, s.lines); diff != "" {
					t.Errorf("log (-want +got):\n%s", diff)
				}
				if text := fmt.Sprint(err); c.err == "" && err != nil || !strings.Contains(text, c.err) {
					t.Errorf("error %v, want %q", err, c.err)
				}
			})
		})
	}
}

// A look names the Pods that can never start, and why none is admitted.
func TestStuck(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &script{looks: []look{{pods: []kube.Pod{{Name: "a", Phase: "Pending", Trouble: "ErrImageNeverPull", Hopeless: true}}}}}
		for got, err := range s.driver().Watch(context.Background()) {
			if err != nil || len(got.Stuck) != 1 || got.Trouble != "pod a: ErrImageNeverPull" {
				t.Errorf("%+v, %v", got, err)
			}
			break
		}
		s = &script{looks: []look{{}}, warnings: []string{"FailedCreate: pods is forbidden: quota"}}
		for got, err := range s.driver().Watch(context.Background()) {
			if err != nil || got.Refused != "FailedCreate: pods is forbidden: quota" {
				t.Errorf("%+v, %v", got, err)
			}
			break
		}
	})
}

// The end of the context is an error with the last status.
func TestInterrupted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(context.Background(), 90*time.Second)
		defer cancel()
		s := &script{looks: []look{{pods: []kube.Pod{{Name: "a", Phase: "Pending", Trouble: "no node"}}}}}
		var got Status
		var err error
		for got, err = range s.driver().Watch(ctx) {
		}
		if !errors.Is(err, context.DeadlineExceeded) || got.Trouble != "pod a: no node" || s.at < 89 || s.at > 91 {
			t.Errorf("%+v, %v after %d looks", got, err, s.at)
		}
	})
}

// Logs are followed up to LiveLogs of them, the others are read when their Pods
// have ended, and a log that never ends costs a few seconds.
func TestLogs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &script{looks: []look{{}, {job: kube.Job{Complete: true}}}, logs: map[string]func(context.Context, func(string)) error{}}
		for i := range LiveLogs + 1 {
			name := fmt.Sprintf("p%02d", i)
			s.looks[0].pods = append(s.looks[0].pods, kube.Pod{Name: name, Index: i, Phase: "Running", Started: true})
			s.logs[name] = func(ctx context.Context, each func(string)) error {
				each("line of " + name)
				if name == "p00" {
					<-ctx.Done()
				}
				return ctx.Err()
			}
		}
		s.looks[1].pods = s.looks[0].pods
		d := s.driver()
		d.Follow = func(p kube.Pod) func(string) {
			if p.Index == 3 {
				return nil
			}
			return func(line string) { s.log("%s: %s", p.Name, line) }
		}
		start := time.Now()
		for got, err := range d.Watch(context.Background()) {
			if err != nil {
				t.Fatal(err)
			}
			if got.Ended() {
				d.Drain(context.Background(), got.Pods...)
			}
		}
		slices.Sort(s.lines)
		if len(s.lines) != LiveLogs || s.lines[0] != "p00: line of p00" || slices.Contains(s.lines, "p03: line of p03") {
			t.Errorf("%q", s.lines)
		}
		if took := time.Since(start); took < lastLines || took > 2*lastLines {
			t.Errorf("took %s", took)
		}
	})
}

func TestTail(t *testing.T) {
	s := &script{logs: map[string]func(context.Context, func(string)) error{"p": func(_ context.Context, each func(string)) error {
		for i := range 1000 {
			each(fmt.Sprint(i))
		}
		return nil
	}}}
	for n, want := range map[int]string{1: "999", 3: "997 998 999"} {
		got, err := s.driver().Tail(context.Background(), "p", n)
		if err != nil || strings.Join(got, " ") != want {
			t.Errorf("%d: %q, %v", n, got, err)
		}
	}
}

// What can be deleted is, also when the run was interrupted.
func TestDelete(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	s := &script{}
	err := s.driver().Delete(ctx, kube.NewObject("Job", "ns", "stays"), kube.NewObject("ConfigMap", "ns", "b"))
	if err == nil || err.Error() != "stays" || !slices.Equal(s.deleted, []string{"stays", "b"}) {
		t.Errorf("%q, %v", s.deleted, err)
	}
	// The request to create "c" may be under way still.
	synctest.Test(t, func(t *testing.T) {
		s, c := &script{}, kube.NewObject("ConfigMap", "ns", "c")
		d := s.driver()
		if err := d.Create(ctx, c); err == nil {
			t.Error("no error")
		}
		start := time.Now()
		if err := d.Delete(ctx, c); err != nil || !slices.Equal(s.deleted, []string{"c", "c"}) || time.Since(start) != givenUp {
			t.Errorf("%q, %v after %s", s.deleted, err, time.Since(start))
		}
	})
}
