package inspect

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strings"

	"github.com/NVIDIA/eidos/engine"
	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/schema/userfile"
	"github.com/NVIDIA/eidos/steps/chartlock"
)

// Kind is the kind `inspect`.
func Kind(o chartlock.Options) engine.Kind {
	return engine.Define(engine.Spec{
		Name: "inspect", Doc: "write down what a chart accepts and renders", Version: 1, Effect: true,
	}, func(ctx context.Context, env engine.Env, p schema.InspectParams, _ struct{}) (*schema.ChartFacts, error) {
		files, source, err := open(ctx, o, env, p)
		if err != nil {
			return nil, err
		}
		note := func(string, ...any) {}
		if env.Log != nil {
			note = env.Log
		}
		f, err := Chart(ctx, files, p.Helm, note)
		if err != nil {
			return nil, schema.Errorf(schema.CodeOf(err), "inspecting %q: %w", p.Chart, err)
		}
		f.Source = source
		return f, nil
	})
}

// Chart returns the facts of a chart by its files. program renders it: "" is
// helm of PATH, without which only what the files say is known.
func Chart(ctx context.Context, files map[string][]byte, program string, note func(string, ...any)) (*schema.ChartFacts, error) {
	c, err := load(files, 0)
	if err != nil {
		return nil, err
	}
	f, err := static(c)
	if err != nil {
		return nil, err
	}
	if program == "" {
		if program, err = exec.LookPath("helm"); err != nil {
			note("helm is not on the path: workloads, images, custom resources, webhooks and guards are not known")
			return f, nil
		}
	}
	h, done, err := newHelm(program, c, files)
	if err != nil {
		return nil, err
	}
	defer done()
	return f, rendered(ctx, h, f, c.all(), note)
}

// open reads the chart that parameters name, and where it comes from.
func open(ctx context.Context, o chartlock.Options, env engine.Env, p schema.InspectParams) (map[string][]byte, *schema.ChartSource, error) {
	remote := strings.HasPrefix(p.Chart, "oci://") || strings.HasPrefix(p.Chart, "https://") || strings.HasPrefix(p.Chart, "http://")
	if !remote {
		if p.Version != "" {
			return nil, nil, schema.Errorf(schema.Invalid, "a version is for a chart of a repository; %q has its own", p.Chart)
		}
		return local(env.Dir, p.Chart)
	}
	if p.Version == "" {
		return nil, nil, schema.Errorf(schema.Invalid, "%q: which version?", p.Chart).WithHint("give %s", schema.Parameter("version"))
	}
	repository, name := path.Split(strings.TrimSuffix(p.Chart, "/"))
	lock, err := o.Fetch(ctx, env, strings.TrimSuffix(repository, "/"), name, p.Version, p.PlainHTTP)
	if err != nil {
		return nil, nil, err
	}
	rc, err := env.Blobs.Open(ctx, lock.Digest)
	if err != nil {
		return nil, nil, err
	}
	data, err := io.ReadAll(rc)
	if err = errors.Join(err, rc.Close()); err != nil {
		return nil, nil, err
	}
	files, err := fromArchive(data)
	return files, &schema.ChartSource{Repository: lock.Repository, Digest: lock.Digest}, err
}

// local reads a directory or an archive.
func local(dir, name string) (map[string][]byte, *schema.ChartSource, error) {
	at := name
	if !filepath.IsAbs(at) {
		at = filepath.Join(dir, at)
	}
	info, err := os.Stat(at)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, nil, schema.Errorf(schema.NotFound, "no chart %q", name).WithHint("name a directory, an archive, https://REPOSITORY/CHART or oci://REGISTRY/…/CHART")
	case err != nil:
		return nil, nil, schema.Errorf(schema.Failed, "reading chart %q: %w", name, userfile.Cause(err))
	case info.IsDir():
		root, err := userfile.OpenRoot(at)
		if err != nil {
			return nil, nil, schema.Errorf(schema.CodeOf(err), "reading the chart: %w", err)
		}
		defer root.Close()
		files, err := fromFS(userfile.Tree(root))
		return files, nil, err
	}
	data, err := userfile.Read(at, maxUnpacked)
	if err != nil {
		return nil, nil, schema.Errorf(schema.CodeOf(err), "reading the chart: %w", err)
	}
	files, err := fromArchive(data)
	if err != nil {
		return nil, nil, schema.Errorf(schema.CodeOf(err), "reading chart %q: %w", name, err)
	}
	return files, &schema.ChartSource{Digest: schema.DigestOf(data)}, nil
}
