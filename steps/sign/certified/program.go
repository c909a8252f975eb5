package certified

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"sync"

	"github.com/NVIDIA/eidos/schema"
)

// Program is eidos-sigstore.
type Program struct {
	// Path of the program; if empty, it is looked for beside this one and then on
	// the path.
	Path string
	// Log takes what it prints for people.
	Log func(line string)
}

// Ask runs the program for one request, or asks the one that Keep keeps. NotFound if it is not installed; what it
// could not do has the code of its answer.
func (p Program) Ask(ctx context.Context, r Request) (*Answer, error) {
	if k, ok := ctx.Value(keeperKey{}).(*keeper); ok && r.Verify != nil {
		return k.answer(ctx, p, r)
	}
	run, err := p.start(ctx)
	if err != nil {
		return nil, err
	}
	a, err := run.ask(r)
	if err = run.end(err); err != nil {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		return nil, err
	}
	return a.result()
}

func (p Program) start(ctx context.Context) (*process, error) {
	path, err := p.find()
	if err != nil {
		return nil, err
	}
	return start(exec.CommandContext(ctx, path), p.Log)
}

func (p Program) find() (string, error) {
	if p.Path != "" {
		return p.Path, nil
	}
	if exe, err := os.Executable(); err == nil {
		beside := filepath.Join(filepath.Dir(exe), Name)
		if fi, err := os.Stat(beside); err == nil && fi.Mode().IsRegular() {
			return beside, nil
		}
	}
	path, err := exec.LookPath(Name)
	if err != nil {
		return "", schema.Errorf(schema.NotFound, "certificates need the program %s, which is neither beside eidos nor on the path", Name).
			WithHint("it comes with every release; from the sources: make build")
	}
	return path, nil
}

// Keep returns a context in which one program answers all requests to verify, one
// after the other: starting it takes longer than verifying. end ends it.
func Keep(ctx context.Context) (kept context.Context, end func()) {
	k := &keeper{}
	return context.WithValue(ctx, keeperKey{}, k), k.end
}

type keeperKey struct{}

// keeper has the program that goes on running. It is safe for concurrent use.
type keeper struct {
	mu  sync.Mutex
	run *process // nil: none, or it has ended
}

func (k *keeper) end() {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.run != nil {
		_ = k.run.end(nil) // all is answered
		k.run = nil
	}
}

// answer is Program.Ask. A program that ends without an answer fails this request
// alone: the next one gets a new one.
func (k *keeper) answer(ctx context.Context, p Program, r Request) (*Answer, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	fresh := k.run == nil
	a, err := k.ask(ctx, p, r)
	if err != nil && !fresh && ctx.Err() == nil { // it may have ended after its last answer
		a, err = k.ask(ctx, p, r)
	}
	if err != nil {
		return nil, err
	}
	return a.result()
}

func (k *keeper) ask(ctx context.Context, p Program, r Request) (*Answer, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if k.run == nil {
		run, err := p.start(context.WithoutCancel(ctx))
		if err != nil {
			return nil, err
		}
		k.run = run
	}
	run := k.run
	stop := context.AfterFunc(ctx, run.kill)
	a, err := run.ask(r)
	if stop() && err == nil {
		return a, nil
	}
	k.run = nil
	if ctx.Err() != nil {
		run.kill()
		_ = run.end(err) // says that it was killed
		return nil, ctx.Err()
	}
	return nil, run.end(err)
}
