package address

import (
	"context"
	"io"
	"net/http"
	"path/filepath"
	"strings"

	"github.com/NVIDIA/eidos/engine"
	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/steps/oci"
	"github.com/NVIDIA/eidos/steps/retry"
)

// Config is what addresses stand for in one process. Zero fields leave out
// what they are for.
type Config struct {
	Stdin  io.Reader // for "-"
	Stdout io.Writer // for "-"
	// Force replaces an output whatever is in it. ForceFlag is the flag that asks
	// for it, for hints: --force, --overwrite, or "" if there is none.
	Force     bool
	ForceFlag string
	// Written remembers what was saved to files; nil remembers nothing, and then
	// edited files are not told from others.
	Written *Written
	// New refuses every output directory that is not empty, an untouched bundle
	// too: a command that is told to write once may be told wrong.
	New bool
	// Format is yaml or json; empty goes by the file's name, else yaml.
	Format string
	// ValuesFrom is the tree that upstream's recipes refer to files of; "" leaves
	// a recipe without them.
	ValuesFrom string
	// OCI opens registries, Access says how.
	OCI    oci.Options
	Access oci.Access
	// Transport carries http:// and https:// requests; nil is the default.
	Transport http.RoundTripper
	// LoadConfigMap returns the document of a media type ("" for any) in a
	// ConfigMap, as it stands there.
	LoadConfigMap func(ctx context.Context, namespace, name, mediaType string) ([]byte, error)
	// SaveConfigMap writes a document to a ConfigMap.
	SaveConfigMap func(ctx context.Context, namespace, name string, v schema.Value) error
}

// New returns the two ends of every pipeline.
func New(c Config) (engine.Loader, engine.Saver) { return c.load, c.save }

// Fetch reads the text at an http:// or https:// address. name is the address
// without what may be secret in it.
func Fetch(ctx context.Context, c Config, uri string) (name string, text []byte, err error) {
	text, err = c.fetch(ctx, uri)
	return shown(uri), text, err
}

// Refuses tells why save would not replace what stands at uri with a value of
// that media type; nil if it would.
func (c Config) Refuses(dir, uri, mediaType string) error {
	path, ok := Path(uri)
	v := schema.New(mediaType)
	if !ok || v == nil || c.Force {
		return nil
	}
	if _, isBundle := v.(*schema.Bundle); isBundle {
		return c.replaceable(inDir(dir, path), path)
	}
	return c.replaceableFile(v, inDir(dir, path), path, nil)
}

// instead is the hint for an output that is not replaced.
func (c Config) instead(other string) string {
	if c.ForceFlag == "" {
		return other + ", or remove this one first"
	}
	return other + ", or use " + c.ForceFlag + " to replace it whole"
}

// scheme splits a URI; "" is a path.
func scheme(uri string) (name, rest string) {
	if uri == "-" {
		return "-", ""
	}
	if strings.HasPrefix(uri, "oci-layout:") {
		return "oci", uri
	}
	if name, rest, ok := strings.Cut(uri, "://"); ok {
		return strings.ToLower(name), rest
	}
	return "", uri
}

// Path is the file or directory that uri names, as it is written; false if it
// is something else.
func Path(uri string) (string, bool) {
	path, ok := schema.LocalPath(uri)
	if !ok || path == "" || path == "-" || strings.Contains(uri, "oci-layout:") || strings.Contains(uri, "@sha256:") {
		return "", false
	}
	return path, true
}

func unknownScheme(uri, name string) error {
	known := []string{"cm", "file", "http", "https", "oci"}
	return schema.Errorf(schema.Invalid, "address %q: unknown scheme %q", uri, name).
		WithHint("%s", schema.Suggest(name, known))
}

func (c Config) load(ctx context.Context, env engine.Env, uri, mediaType string) (schema.Value, error) {
	ctx = retry.Listen(ctx, env.Log)
	name, rest := scheme(uri)
	var data []byte
	var err error
	switch name {
	case "", "file":
		if name == "" && mediaType == (*schema.Reference)(nil).MediaType() && strings.Contains(uri, "@sha256:") {
			return c.resolve(ctx, env, uri)
		}
		return c.loadPath(ctx, env, inDir(env.Dir, rest), rest, mediaType)
	case "-":
		if c.Stdin == nil {
			return nil, schema.Errorf(schema.Invalid, "there is no standard input")
		}
		data, err = readAll(c.Stdin, "standard input")
	case "http", "https":
		data, err = c.fetch(ctx, uri)
	case "cm":
		data, err = c.loadConfigMap(ctx, uri, rest, mediaType)
	case "oci":
		if mediaType == (*schema.Reference)(nil).MediaType() {
			return c.resolve(ctx, env, uri)
		}
		v, err := c.OCI.Pull(ctx, env, uri, c.Access)
		if err != nil {
			return nil, err
		}
		return wanted(uri, v, mediaType)
	default:
		return nil, unknownScheme(uri, name)
	}
	if err != nil {
		return nil, err
	}
	return c.decode(env, shown(uri), data, mediaType)
}

// resolve is the reference that an address in a registry stands for.
func (c Config) resolve(ctx context.Context, env engine.Env, uri string) (schema.Value, error) {
	r, err := c.OCI.Resolve(ctx, env, uri, c.Access)
	if err != nil {
		return nil, err
	}
	return r, nil
}

func (c Config) save(ctx context.Context, env engine.Env, v schema.Value, uri string) error {
	ctx = retry.Listen(ctx, env.Log)
	name, rest := scheme(uri)
	b, isBundle := v.(*schema.Bundle)
	switch name {
	case "", "file":
		if isBundle {
			return c.saveBundle(ctx, env, b, inDir(env.Dir, rest), rest)
		}
		return c.saveFile(v, inDir(env.Dir, rest), rest, c.format(rest))
	case "-":
		if c.Stdout == nil {
			return schema.Errorf(schema.Invalid, "there is no standard output")
		}
		data, err := encode(v, c.format(""))
		if err != nil {
			return err
		}
		if _, err := c.Stdout.Write(data); err != nil {
			return schema.Errorf(schema.Failed, "writing to standard output: %w", err)
		}
		return nil
	case "http", "https":
		return schema.Errorf(schema.Invalid, "cannot write to %q", shown(uri)).
			WithHint("write to a path, -, cm://namespace/name or oci://registry/repository")
	case "cm":
		return c.saveConfigMap(ctx, uri, rest, v)
	case "oci":
		var err error
		if isBundle {
			_, err = c.OCI.Push(ctx, env, b, schema.PushParams{To: uri, PlainHTTP: c.Access.PlainHTTP, InsecureTLS: c.Access.InsecureTLS})
		} else {
			_, err = c.OCI.PushDocument(ctx, env, v, uri, c.Access)
		}
		return err
	}
	return unknownScheme(uri, name)
}

// format is how to write a document to a file of that name.
func (c Config) format(name string) string {
	switch {
	case c.Format != "":
		return c.Format
	case strings.EqualFold(filepath.Ext(name), ".json"):
		return "json"
	}
	return "yaml"
}

func inDir(dir, path string) string {
	if filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(dir, path)
}
