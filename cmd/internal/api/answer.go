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

// answer is the result of a route for a canonical request. It is shared by all
// requests that are the same, which may write it at the same time, and not changed once
// it is in a cache: only compressed fills in zip and lengthZip, once.
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

// Bundle describes a bundle that was made for a request, for the log and the metrics.
// Bytes is the size of its files, before compression.
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

// seal computes what is the same in all responses, and returns a. An answer is complete
// before: its ETag is a digest of the body. The compressed form has an ETag of its own,
// since a strong ETag identifies the bytes that are sent (RFC 9110, 8.8.3).
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

// compressed is the body in gzip, nil if it is better sent as it is: it is short, it is an
// archive, or it would not become shorter. It is compressed at the first request for it and
// then kept with the answer.
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

// size is what a takes in a cache, in bytes. It must not change while a is kept, as it is
// added once and subtracted once; the compressed form, which is made later, is estimated
// at a quarter of the body for that reason.
func (a *answer) size() int64 {
	n := int64(len(a.body)) + 512
	if a.bundle == nil {
		n += n / 4
	}
	return n
}
