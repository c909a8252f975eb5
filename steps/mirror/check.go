package mirror

import (
	"context"
	"fmt"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/NVIDIA/eidos/engine"
	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/steps/oci"
	"github.com/NVIDIA/eidos/steps/retry"
)

// CheckKind is the kind `check-mirror`: whether a mirror holds everything that
// its release states.
func CheckKind(o oci.Options) engine.Kind {
	return engine.Define(engine.Spec{
		Name: "check-mirror", Doc: "prove that a mirror holds what its release states", Version: 1, Effect: true,
	}, func(ctx context.Context, env engine.Env, p schema.CheckMirrorParams, in struct {
		Release *schema.Reference `in:"release"`
	}) (*schema.Verification, error) {
		return check(ctx, o, env, p, in.Release)
	})
}

// checks is how many artefacts are looked at at once.
const checks = 8

func check(ctx context.Context, o oci.Options, env engine.Env, p schema.CheckMirrorParams, release *schema.Reference) (*schema.Verification, error) {
	ctx = retry.Listen(ctx, env.Log)
	access := oci.Access{PlainHTTP: p.PlainHTTP, InsecureTLS: p.InsecureTLS}
	m, err := read(ctx, o, env, access, release)
	if err != nil {
		return nil, err
	}
	named, err := names(release.Reference, m)
	if err != nil {
		return nil, err
	}
	out := &schema.Verification{Kind: "Verification", APIVersion: schema.APIVersion, Subject: release.Reference, Digest: release.Digest, Verified: true}
	out.Checks = make([]schema.VerificationCheck, len(m.Entries))
	errs := make([]error, len(m.Entries))
	var g errgroup.Group
	g.SetLimit(checks)
	for i, e := range m.Entries {
		g.Go(func() error {
			err := checkEntry(ctx, o, env, e, named(e), access, p.Deep)
			c := schema.VerificationCheck{Name: e.Name, Passed: err == nil, Detail: fmt.Sprintf("%s, %d bytes", e.Digest, e.Size)}
			if err != nil {
				c.Detail = err.Error()
				errs[i] = schema.Errorf(code(err), "%s: %s", e.Name, err).WithHint("run eidos mirror again: what is missing is copied")
			}
			out.Checks[i] = c
			return nil
		})
	}
	_ = g.Wait() // the errors are in errs, in the order of the release
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	err = schema.Join(errs)
	out.Verified = err == nil
	return out, err
}

// checkEntry finds one artefact complete at each of the references.
func checkEntry(ctx context.Context, o oci.Options, env engine.Env, e schema.MirrorEntry, at []string, access oci.Access, deep bool) error {
	for _, at := range at {
		size, err := o.Check(ctx, env, at, access, deep)
		if err == nil && size != e.Size {
			err = schema.Errorf(schema.Failed, "it names %d bytes, and the release states %d", size, e.Size)
		}
		if err != nil {
			return err
		}
		deep = false // the same bytes, in the same registry
	}
	return nil
}

// names returns where the artefacts of a release are: beside it, and in a registry
// also under their names, if the release is where a mirror has it. One that another
// tool has copied is whole without them.
func names(release string, m *schema.Mirror) (func(schema.MirrorEntry) []string, error) {
	l, err := oci.ParseLocation(release)
	if err != nil {
		return nil, err
	}
	base, named := strings.CutSuffix(l.Registry+"/"+l.Repository, "/release/"+m.Name)
	return func(e schema.MirrorEntry) []string {
		at := []string{l.At(e.Digest)}
		if l.Dir == "" && named {
			at = append(at, base+"/"+e.Name)
			if !strings.Contains(e.Name, "@") {
				at[1] += "@" + string(e.Digest)
			}
		}
		return at
	}, nil
}

// read returns what the release of a mirror states.
func read(ctx context.Context, o oci.Options, env engine.Env, access oci.Access, release *schema.Reference) (*schema.Mirror, error) {
	v, err := o.Pull(ctx, env, release.Reference, access)
	if err != nil {
		return nil, err
	}
	m, ok := v.(*schema.Mirror)
	if !ok {
		return nil, schema.Errorf(schema.Invalid, "%q is not the release of a mirror", release.Reference).WithHint("name what eidos mirror printed")
	}
	return m, nil
}

// again copies a mirror, with its release.
func (m *mirroring) again(ctx context.Context, release *schema.Reference) (*schema.Reference, error) {
	ctx = retry.Listen(ctx, m.env.Log)
	mirror, err := read(ctx, m.o, m.env, m.access, release)
	if err != nil {
		return nil, err
	}
	var jobs []job
	for _, e := range mirror.Entries {
		at, err := oci.Beside(release.Reference, e.Digest)
		if err != nil {
			return nil, err
		}
		jobs = append(jobs, job{entry: e, copy: func(ctx context.Context) (oci.Copied, error) {
			return m.o.Copy(ctx, m.env, at, m.access, m.target, e.Name, oci.CopyOptions{Referrers: e.Referrers > 0, Transferred: m.transferred})
		}})
	}
	if err := m.do(ctx, jobs); err != nil {
		return nil, err
	}
	c, err := m.o.CopyRelease(ctx, m.env, release.Reference, m.access, m.target, releaseName(mirror), members(jobs), oci.CopyOptions{Referrers: true, Transferred: m.transferred})
	if err != nil {
		return nil, err
	}
	return m.finish(ctx, mirror, c)
}

// code is the class of a failed check: what is not there, or is something else,
// is a verdict.
func code(err error) schema.Code {
	switch c := schema.CodeOf(err); c {
	case schema.NotFound, schema.Failed, schema.Invalid:
		return schema.Unsatisfied
	default:
		return c
	}
}
