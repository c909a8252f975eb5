package address

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"syscall"

	"github.com/NVIDIA/eidos/engine"
	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/schema/upstream"
	"github.com/NVIDIA/eidos/schema/userfile"
)

// maxDocument is the most bytes a document may have.
const maxDocument = 64 << 20

// readAll reads a document. name is for messages.
func readAll(r io.Reader, name string) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(r, maxDocument+1))
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", name, err)
	}
	if len(data) > maxDocument {
		return nil, schema.Errorf(schema.Invalid, "%s has more than %d MiB", name, maxDocument>>20)
	}
	return data, nil
}

// decode reads the document in data, of the wanted media type or, if that is
// "", of the kind that it states. A document of upstream is converted, and env
// logs how.
func (c Config) decode(env engine.Env, name string, data []byte, mediaType string) (schema.Value, error) {
	doc, err := schema.Parse(name, data)
	if err != nil {
		return nil, err
	}
	if err := c.checkValuesFrom(env.Dir); err != nil {
		return nil, err
	}
	if upstream.Is(doc, mediaType) {
		return c.convert(env, doc, mediaType)
	}
	v, _, err := upstream.Reader{}.Decode(doc, mediaType)
	return v, err
}

// checkValuesFrom refuses a ValuesFrom that is not a directory, whether or not a
// document needs it: a misspelt one would be noticed by the next recipe only.
func (c Config) checkValuesFrom(dir string) error {
	if c.ValuesFrom == "" {
		return nil
	}
	info, err := os.Stat(inDir(dir, c.ValuesFrom))
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ENOTDIR):
		return schema.Errorf(schema.NotFound, "no directory %q", c.ValuesFrom)
	case err != nil:
		return explainRead(c.ValuesFrom, err)
	case !info.IsDir():
		return schema.Errorf(schema.Invalid, "%q is %s, not a directory", c.ValuesFrom, userfile.Kind(info.Mode()))
	}
	return nil
}

// convert reads a document of upstream, with the tree of ValuesFrom.
func (c Config) convert(env engine.Env, doc *schema.Doc, mediaType string) (schema.Value, error) {
	var r upstream.Reader
	if c.ValuesFrom != "" {
		root, err := userfile.OpenRoot(inDir(env.Dir, c.ValuesFrom)) // nothing outside is read
		if err != nil {
			return nil, explainRead(c.ValuesFrom, err)
		}
		defer root.Close()
		r = upstream.Reader{Tree: userfile.Tree(root), Name: c.ValuesFrom}
	}
	v, notes, err := r.Read(doc, mediaType)
	if err != nil {
		return nil, err
	}
	if env.Log != nil {
		for _, n := range notes {
			env.Log("%s", n)
		}
	}
	return v, nil
}

// wanted refuses a value of another media type than the one wanted.
func wanted(name string, v schema.Value, mediaType string) (schema.Value, error) {
	if mediaType != "" && v.MediaType() != mediaType {
		return nil, schema.Errorf(schema.Invalid, "%s holds a %s, and a %s is wanted",
			shown(name), short(v.MediaType()), short(mediaType))
	}
	return v, nil
}

// short is the word in a media type of ours: recipe.
func short(mediaType string) string {
	s := strings.TrimPrefix(mediaType, "application/vnd.nvidia.eidos.")
	word, _, _ := strings.Cut(s, ".")
	return word
}

// encode writes a document as a file holds it.
func encode(v schema.Value, format string) ([]byte, error) {
	switch format {
	case "yaml":
		return schema.EncodeYAML(v)
	case "json":
		return schema.EncodeIndent(v)
	}
	return nil, schema.Errorf(schema.Invalid, "unknown format %q", format).
		WithHint("%s", schema.Suggest(format, []string{"json", "yaml"}))
}
