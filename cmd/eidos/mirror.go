package main

import (
	"context"
	"maps"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/NVIDIA/eidos/cmd/internal/usage"
	"github.com/NVIDIA/eidos/cmd/internal/wire"
	"github.com/NVIDIA/eidos/engine"
	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/steps/oci"
)

// mirror is a pipeline of up to four steps: charts and images list what is needed, mirror
// copies, relocate writes the recipe that uses the copy. A release, which another mirror
// left, has the list in it: then it is the one step. All that is printed is the digest of
// the release, under which everything else hangs.
//
// Nothing is undone after a failure or Ctrl-C: what was copied stays, and the same
// command goes on from there (package steps/mirror). The recipe of --rewrite is written
// last, so that it never names what is not in the mirror.
func (a *app) mirror() *cobra.Command {
	s := newStage("mirror", "mirror")
	c := &cobra.Command{
		Use:   "mirror RECIPE|BUNDLE|RELEASE|LAYOUT --to REGISTRY|LAYOUT",
		Short: "Copy charts, images and a bundle to a registry, a directory or one file",
		Long: `Copy every chart and image that a recipe or a bundle needs, the bundle itself
and its signatures and attestations, to a registry[/prefix], to one directory,
oci-layout:DIR, or to one file, FILE.tar, which is carried to where the registry
is and copied again from there. The images that the recipe's checks run (eidos
validate --phase) and that of eidos itself go too, unless --without-checks. What is there is not sent twice: a mirror that was
broken off is resumed by the same command. The release, one index of all of it, is
printed; to sign it is to sign everything. Directories and files are OCI layouts,
which other tools read.

--rewrite writes a recipe that takes its charts and images from the mirror, as its
checks then do.`,
		Example: `  eidos mirror recipe.yaml --to registry.example.com/gpu --node-os ubuntu24.04 --rewrite mirrored.yaml
  eidos mirror registry.example.com/gpu/bundle:v1 --to oci-layout:./disk
  eidos mirror registry.example.com/gpu/release/eks-training:1.0.0 --to gpu.tar
  eidos mirror gpu.tar --to registry.internal/gpu
  eidos mirror verify registry.internal/gpu/release/eks-training:1.0.0`,
		Args: cobra.ExactArgs(1),
	}
	c.AddCommand(a.mirrorVerify())
	with := a.params(c, "MirrorParams", "to")
	to := c.Flags().String("to", "", "registry[/prefix], oci-layout:DIR for one directory that holds all, or FILE.tar")
	list := a.params(c, "ImagesParams", "resolve", "plainHTTP", "insecureTLS")
	charts := a.params(c, "VendorParams", "plainHTTP", "insecureTLS")
	rewrite := c.Flags().String("rewrite", "", "also write the recipe that takes everything from the mirror to this file")
	s.stageFlags(c, "", "")
	s.formatFlag(c)
	s.valuesFromFlag(c)
	usage.Must(c.MarkFlagRequired("to"))
	c.RunE = func(c *cobra.Command, args []string) error {
		s.With = with()
		s.With["to"] = mirrorTarget(*to)
		access := map[string]any{}
		for _, k := range []string{"plainHTTP", "insecureTLS"} {
			if v, ok := s.With[k]; ok {
				access[k] = v
			}
		}
		// Checked twice: for a layout before it is read, for a registry when it is known
		// that the argument is a release, which takes a request.
		m := usage.Mode{When: "on a release, which has all of it", Takes: usage.AllBut(c, "node-os", "without-checks", "data", "lock", "chart-archive", "rewrite", "platform", "values-from"), Hint: "give it when the release is made"}
		if strings.HasPrefix(mirrorTarget(args[0]), "oci-layout:") {
			if err := m.Check(c); err != nil {
				return err
			}
		}
		release, err := a.release(c.Context(), args[0], oci.Access{PlainHTTP: access["plainHTTP"] == true, InsecureTLS: access["insecureTLS"] == true})
		if err != nil {
			return err
		}
		if release != "" {
			if err := m.Check(c); err != nil {
				return err
			}
			s.In = map[string]any{"release": release}
		} else if err := s.mirrorSteps(args[0], list(), charts(), access, *rewrite); err != nil {
			return err
		}
		v, err := a.runStage(c.Context(), s)
		if err != nil || v == nil {
			return err
		}
		r := v.(*schema.Reference)
		return a.Document(r, s.Format, r.Reference)
	}
	return c
}

// mirrorSteps adds the steps that a mirror of a recipe or a bundle needs. How registries
// are reached is one setting of the command and a parameter of each of the steps.
func (s *stage) mirrorSteps(arg string, list, charts, access map[string]any, rewrite string) error {
	in := recipeOrBundle(arg)
	maps.Copy(list, access)
	maps.Copy(charts, access)
	// A copy: the step charts takes no such input, and in is its map.
	inList := maps.Clone(in)
	inList["charts"] = "charts"
	s.More = map[string]schema.Step{
		"charts": {Uses: "vendor", With: charts, In: in},
		"images": {Uses: "images", With: list, In: inList},
	}
	s.In = map[string]any{"images": "images", "charts": "charts"}
	if b, ok := in["bundle"]; ok {
		port := "bundle"
		if strings.HasPrefix(b.(string), "oci://") {
			port = "pushed" // with its signatures
		}
		s.In[port] = b
	}
	if rewrite == "" {
		return nil
	}
	r, ok := in["recipe"]
	to := s.With["to"].(string)
	switch {
	case !ok:
		return schema.Errorf(schema.Invalid, "--rewrite: a bundle is not written again").WithHint("mirror its recipe, and render what --rewrite writes")
	case strings.HasPrefix(to, "oci-layout:"):
		return schema.Errorf(schema.Invalid, "--rewrite: nothing pulls from a directory").WithHint("give it with the registry that the layout is copied to")
	}
	s.More["recipe"] = schema.Step{Uses: "relocate", With: map[string]any{"to": to}, In: map[string]any{"recipe": r}, Needs: []string{s.Name}, Out: rewrite}
	return nil
}

// release is the release of a mirror that an argument names, by digest; "" if it names a
// recipe or a bundle. It asks the registry what is there, as a release and a bundle are
// named alike.
func (a *app) release(ctx context.Context, arg string, access oci.Access) (string, error) {
	if l := mirrorTarget(arg); strings.HasPrefix(l, "oci-layout:") && !strings.Contains(l, "@") {
		return a.layoutRelease(l)
	}
	from, ok := recipeOrBundle(arg)["bundle"].(string)
	if !ok || !strings.HasPrefix(from, "oci://") {
		return "", nil
	}
	w := a.wire(wire.Options{Access: access})
	release, err := w.Registries.ReleaseOf(ctx, engine.Env{Dir: "."}, from, access)
	if release != "" {
		release = "oci://" + release
	}
	return release, err
}

// mirrorTarget is a target as the step takes it: a path is a layout. A path is what ends
// in .tar, or begins with a dot or slash and is neither a document nor a bundle;
// everything else is a registry, so gpu/mirror has to be written ./gpu/mirror to be a
// directory.
func mirrorTarget(to string) string {
	if strings.HasSuffix(to, ".tar") && !strings.Contains(to, ":") {
		return "oci-layout:" + to
	}
	if strings.HasPrefix(to, ".") || filepath.IsAbs(to) {
		if !strings.HasSuffix(to, ".yaml") && !strings.HasSuffix(to, ".json") && !isBundleDirectory(to) {
			return "oci-layout:" + to
		}
	}
	return trimOCI(to)
}

// isBundleDirectory distinguishes a bundle from a layout of images, both directories. One
// of the two files is enough: a bundle that lost one is reported by what reads it.
func isBundleDirectory(dir string) bool {
	for _, name := range []string{"bundle.yaml", "checksums.txt"} {
		if isFile(filepath.Join(dir, name)) {
			return true
		}
	}
	return false
}

// layoutRelease finds the release of the mirror in a layout, which may hold several: then
// the user has to say which.
func (a *app) layoutRelease(from string) (string, error) {
	t, err := (oci.Options{}).OpenTarget(from, ".", oci.Access{})
	if err != nil {
		return "", err
	}
	names, err := t.Names()
	if err != nil {
		return "", err
	}
	var found []string
	for n, d := range names {
		if strings.HasPrefix(n, "release/") {
			found = append(found, "oci://"+t.Reference(n, d))
		}
	}
	if len(found) != 1 {
		return "", schema.Errorf(schema.Invalid, "%q has %d releases of mirrors, not one", from, len(found)).WithHint("make it with eidos mirror … --to %s, or name one: %s@sha256:…", from, from)
	}
	return found[0], nil
}

// mirrorVerify is the step check-mirror. It proves that what the release states is there;
// who made the release is what eidos verify proves.
func (a *app) mirrorVerify() *cobra.Command {
	s := newStage("verify", "check-mirror")
	c := &cobra.Command{
		Use:   "verify RELEASE|LAYOUT",
		Short: "Prove that a mirror holds everything that its release states",
		Long: `Prove that a mirror holds every chart, image and bundle that its release states,
each under its digest. Manifests are read; that layers are there is asked of the
registry, and --deep reads every byte of them. eidos verify proves who signed the
release.`,
		Example: `  eidos mirror verify registry.internal/gpu/release/eks-training:1.0.0
  eidos mirror verify gpu.tar --deep`,
		Args: cobra.ExactArgs(1),
	}
	with := a.params(c, "CheckMirrorParams")
	s.stageFlags(c, "", "")
	s.formatFlag(c)
	c.RunE = func(c *cobra.Command, args []string) error {
		s.With = with()
		release := "oci://" + trimOCI(args[0])
		if l := mirrorTarget(args[0]); strings.HasPrefix(l, "oci-layout:") && !strings.Contains(l, "@") {
			var err error
			if release, err = a.layoutRelease(l); err != nil {
				return err
			}
		}
		s.In = map[string]any{"release": release}
		return a.printVerification(c.Context(), s)
	}
	return c
}

// printVerification runs a step that proves something, and prints what.
func (a *app) printVerification(ctx context.Context, s *stage) error {
	v, err := a.runStage(ctx, s)
	if v == nil {
		return err
	}
	if perr := a.Document(v, s.Format, verdictWords(v.(*schema.Verification))); perr != nil {
		return perr
	}
	return err
}
