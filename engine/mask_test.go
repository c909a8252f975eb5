package engine_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/NVIDIA/eidos/engine"
	"github.com/NVIDIA/eidos/engine/plan"
	"github.com/NVIDIA/eidos/engine/run"
	"github.com/NVIDIA/eidos/schema"
)

const sesame = "sesame-0pen/th1s door\""

// tell runs a step that has the secret and does f, and returns all that is said
// about the run, its error and what its store has on the disk.
func tell(t *testing.T, f func(env engine.Env) (*Text, error)) (events, logs []string, disk string, err error) {
	t.Helper()
	k := engine.Define(engine.Spec{Name: "tell", Version: 1}, func(_ context.Context, env engine.Env, _ struct{}, _ struct{}) (*Text, error) {
		return f(env)
	})
	p := &schema.Pipeline{Secrets: map[string]schema.Secret{"s": {Env: "S"}},
		Steps: map[string]schema.Step{"a": {Uses: "tell", Secrets: []string{"s"}, Retry: &schema.Retry{Limit: 2, On: "any"}}}}
	pl, cerr := plan.Compile(p, nil, []engine.Kind{k}, plan.Options{})
	if cerr != nil {
		t.Fatal(cerr)
	}
	dir := t.TempDir()
	store := open(t, dir)
	r := run.Runner{Store: store, LookupEnv: func(string) (string, bool) { return sesame, true }, Events: func(e engine.Event) {
		line, err := e.AppendLine(nil)
		if err != nil {
			t.Error(err)
		}
		events = append(events, string(line))
		if e.Type == engine.EventLog {
			logs = append(logs, e.Text)
		}
	}}
	_, err = r.Run(context.Background(), pl)
	var all strings.Builder
	werr := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			data, rerr := os.ReadFile(path)
			all.Write(data)
			return rerr
		}
		return err
	})
	if werr != nil {
		t.Fatal(werr)
	}
	return events, logs, all.String(), err
}

// A secret that is spread over lines or calls is masked, wherever it is cut:
// fewer than four bytes of it may be seen.
func TestSecretsAcrossLines(t *testing.T) {
	for first := 0; first <= len(sesame); first++ {
		for second := first; second <= len(sesame); second += 3 {
			pieces := []string{"before " + sesame[:first], sesame[first:second], sesame[second:] + " after"}
			for name, say := range map[string]func(engine.Env){
				"calls": func(env engine.Env) {
					for _, p := range pieces {
						env.Log("%s", p)
					}
				},
				"lines": func(env engine.Env) { env.Log("%s", strings.Join(pieces, "\n")) },
			} {
				_, logs, _, err := tell(t, func(env engine.Env) (*Text, error) {
					say(env)
					return &Text{}, nil
				})
				if err != nil {
					t.Fatal(err)
				}
				if len(logs) != 3 || !strings.HasPrefix(logs[0], "before ") || !strings.HasSuffix(logs[2], " after") {
					t.Fatalf("%s cut at %d and %d: %q", name, first, second, logs)
				}
				for i := range sesame[:len(sesame)-3] {
					if text := strings.Join(logs, "\n"); strings.Contains(text, sesame[i:i+4]) {
						t.Fatalf("%s cut at %d and %d: %q", name, first, second, logs)
					}
				}
			}
		}
	}
}

// Lines are told in their order and none is lost, whatever they begin.
func TestLinesThatMayBeginASecret(t *testing.T) {
	_, logs, _, err := tell(t, func(env engine.Env) (*Text, error) {
		for _, l := range []string{"one", "sesame", "sesame-0p", "sesa", "no", "", "the end: sesame-0pen/"} {
			env.Log("%s", l)
		}
		return &Text{}, nil
	})
	if got, want := strings.Join(logs, "|"), "one|sesame|sesame-0p|sesa|no||the end: sesame-0pen/"; got != want || err != nil {
		t.Errorf("got %s, %v", got, err)
	}
}

// No error, hint, progress, event, journal or entry holds a secret, in any of
// the forms that errors write it in, at the first attempt or a later one.
func TestSecretsInErrors(t *testing.T) {
	for name, f := range map[string]func(engine.Env) (*Text, error){
		"message": func(engine.Env) (*Text, error) { return nil, fmt.Errorf("cannot use %s", sesame) },
		"quoted":  func(engine.Env) (*Text, error) { return nil, fmt.Errorf("cannot use %q", sesame) },
		"url": func(engine.Env) (*Text, error) {
			return nil, errors.New("get https://x/?token=sesame-0pen%2Fth1s+door%22: no")
		},
		"hint": func(engine.Env) (*Text, error) {
			return nil, schema.Errorf(schema.Unavailable, "no").WithHint("not %s", sesame)
		},
		"hint below": func(engine.Env) (*Text, error) {
			return nil, fmt.Errorf("asking: %w", schema.Errorf(schema.Unavailable, "no").WithHint("not %s", sesame))
		},
		"progress": func(env engine.Env) (*Text, error) {
			env.Progress(1, 2, "of "+sesame)
			return &Text{}, nil
		},
		"panic":  func(engine.Env) (*Text, error) { panic(sesame) },
		"result": func(engine.Env) (*Text, error) { return &Text{Text: "it is " + sesame}, nil },
	} {
		t.Run(name, func(t *testing.T) {
			events, _, disk, err := tell(t, f)
			text := strings.Join(events, "") + disk
			if err != nil {
				text += err.Error()
				for _, e := range schema.List(err) {
					var se *schema.Error
					if errors.As(e, &se) {
						text += se.Hint
					}
				}
			}
			for _, part := range []string{"0pen", "th1s"} {
				if strings.Contains(text, part) {
					t.Errorf("%q is told: %s", part, text)
				}
			}
			if name != "progress" && err == nil {
				t.Error("did not fail")
			}
		})
	}
}
