package api

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strconv"
	"sync"
	"time"

	"github.com/NVIDIA/eidos/schema"
)

// answer is what a route has to say to a canonical request. It is shared by all
// requests that are the same, and not changed once it is in a cache.
type answer struct {
	contentType string // "" is that of the format that was asked for
	body        []byte
	header      [][2]string
	bundle      *Bundle // what was made, if it is one

	// What every response of it has, made once: net/http takes the slices as
	// they are.
	etag, etagZip     []string
	length, lengthZip []string
	once              sync.Once
	zip               []byte // the body compressed, nil if that is not shorter
}

// Bundle is what one request for a bundle made.
type Bundle struct {
	Deployer string
	Files    int
	Bytes    int64
	Duration time.Duration
}

// encode writes v in the format that was asked for, as the commands do.
func (c *call) encode(v any) (*answer, error) {
	var body []byte
	var err error
	switch c.format {
	case "json":
		body, err = schema.EncodeIndent(v)
	case "yaml", "text":
		body, err = schema.EncodeYAML(v)
	default:
		return nil, fmt.Errorf("BUG: no format %q", c.format)
	}
	if err != nil {
		return nil, err
	}
	return &answer{body: body}, nil
}

// seal makes what is the same in all responses.
func (a *answer) seal() *answer {
	sum := sha256.Sum256(a.body)
	tag := hex.EncodeToString(sum[:16])
	a.etag, a.etagZip = []string{`"` + tag + `"`}, []string{`"` + tag + `-gzip"`}
	a.length = []string{strconv.Itoa(len(a.body))}
	return a
}

// compressible is the shortest body that is worth compressing, in bytes: what
// fits one packet takes no less time if it is shorter.
const compressible = 1200

// compressed is the body in gzip, nil if it is better sent as it is.
func (a *answer) compressed() []byte {
	if len(a.body) < compressible || a.bundle != nil {
		return nil
	}
	a.once.Do(func() {
		var b bytes.Buffer
		w := gzip.NewWriter(&b)
		// A bytes.Buffer takes everything.
		_, _ = w.Write(a.body)
		_ = w.Close()
		if b.Len() < len(a.body) {
			a.zip = b.Bytes()
			a.lengthZip = []string{strconv.Itoa(b.Len())}
		}
	})
	return a.zip
}

// size is what a takes in a cache, in bytes, its compressed form included.
func (a *answer) size() int64 {
	n := int64(len(a.body)) + 512
	if a.bundle == nil {
		n += n / 4
	}
	return n
}
