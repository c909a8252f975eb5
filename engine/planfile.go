package engine

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"time"

	"github.com/NVIDIA/eidos/schema"
)

// planFormat changes when what follows does; a file of another one is passed
// over.
const planFormat = "eidos plan 2\n"

// plain reports whether the plan is nothing but nodes and edges: no
// conditions, nothing that is filled in when running, no other files.
func (p *Plan) plain() bool {
	for _, s := range p.steps {
		if s.include != "" || s.dynamic || len(s.guards) > 0 || len(s.refs) > 0 {
			return false
		}
	}
	return true
}

// encode writes a plain plan. Parameters stand in their canonical form, and
// are decoded when a step runs.
func (p *Plan) encode() ([]byte, error) {
	w := &planWriter{at: map[string]uint64{}}
	w.text(p.Name)
	w.text(string(p.Digest))
	w.json(p.Params)
	w.json(p.secrets)
	w.json(p.pools)
	w.number(int(p.timeout))
	w.number(len(p.steps))
	for _, s := range p.steps {
		w.text(s.name)
		w.text(s.at.String())
		w.text(s.kind.Name)
		w.number(s.kind.Version)
		w.flag(s.finally)
		w.flag(s.tolerate)
		w.flag(s.cache.never)
		w.flag(s.cache.safe)
		w.number(int(s.cache.ttl))
		w.number(int(s.timeout))
		w.number(s.parallel)
		w.number(s.retry.limit)
		w.number(int(s.retry.backoff))
		w.number(int(s.retry.cap))
		w.flag(s.retry.jitter)
		w.text(s.retry.on)
		w.text(s.pool)
		w.texts(s.secrets)
		w.texts(s.files)
		w.texts(s.filesAt)
		w.texts(s.env)
	}
	w.number(len(p.nodes))
	for _, n := range p.nodes {
		w.number(int(n.what))
		w.text(n.id)
		step := -1
		if n.step != nil {
			step = n.step.index
		}
		w.number(step + 1)
		w.flag(n.finally)
		w.flag(n.matrix != nil)
		if n.matrix != nil {
			w.json(n.matrix)
			w.json(n.labels)
		}
		w.number(len(n.edges))
		for _, e := range n.edges {
			w.text(e.port)
			w.number(e.from)
			w.flag(e.list)
			w.flag(e.opt)
			w.text(e.name)
		}
		w.number(len(n.order))
		for _, o := range n.order {
			w.number(o)
		}
		w.text(n.with.text)
		w.text(n.out)
		w.text(n.uri)
		w.text(n.media)
	}
	return append([]byte(planFormat), w.out...), w.err
}

// decodePlan is encode's inverse.
func decodePlan(data []byte, kinds []Kind) (*Plan, error) {
	if len(data) < len(planFormat) || string(data[:len(planFormat)]) != planFormat {
		return nil, fmt.Errorf("not a plan of this version")
	}
	byName := make(map[string]*Kind, len(kinds))
	for i := range kinds {
		byName[kinds[i].Name] = &kinds[i]
	}
	r := &planReader{data: string(data[len(planFormat):])}
	p := &Plan{Name: r.text(), Digest: schema.Digest(r.text())}
	r.json(&p.Params)
	schema.Plain(p.Params)
	r.json(&p.secrets)
	r.json(&p.pools)
	p.timeout = time.Duration(r.number())
	steps := make([]step, r.count())
	p.steps = make([]*step, len(steps))
	for i := range steps {
		s := &steps[i]
		p.steps[i] = s
		s.index, s.name, s.at = i, r.text(), place{root: r.text()}
		s.kind = byName[r.text()]
		if version := r.number(); s.kind == nil || s.kind.Version != version {
			return nil, fmt.Errorf("a plan for other kinds")
		}
		s.finally, s.tolerate = r.flag(), r.flag()
		s.cache = caching{never: r.flag(), safe: r.flag(), ttl: time.Duration(r.number())}
		s.timeout, s.parallel = time.Duration(r.number()), r.number()
		s.retry = retry{limit: r.number(), backoff: time.Duration(r.number()), cap: time.Duration(r.number()), jitter: r.flag(), on: r.text()}
		s.pool, s.secrets, s.files, s.filesAt, s.env = r.text(), r.texts(), r.texts(), r.texts(), r.texts()
		if len(s.filesAt) != len(s.files) {
			return nil, fmt.Errorf("a damaged plan")
		}
	}
	nodes := make([]node, r.count())
	p.nodes = make([]*node, len(nodes))
	for i := range nodes {
		n := &nodes[i]
		p.nodes[i] = n
		n.index, n.what, n.id = i, nodeKind(r.number()), r.text()
		if at := r.number(); at > 0 && at <= len(p.steps) {
			n.step = p.steps[at-1]
		}
		n.finally = r.flag()
		if r.flag() {
			r.json(&n.matrix)
			schema.Plain(n.matrix)
			r.json(&n.labels)
		}
		n.edges = make([]edge, r.count())
		for k := range n.edges {
			n.edges[k] = edge{port: r.text(), from: r.below(i), list: r.flag(), opt: r.flag(), name: r.text()}
		}
		n.order = make([]int, r.count())
		for k := range n.order {
			n.order[k] = r.below(i)
		}
		n.with.text, n.out, n.uri, n.media = r.text(), r.text(), r.text(), r.text()
		switch {
		case n.what > group || n.what != load && n.step == nil:
			return nil, fmt.Errorf("a damaged plan")
		case n.what == group:
			n.step.group = n
		case n.what == task:
			n.step.rows = append(n.step.rows, n)
		}
	}
	if r.bad || r.data != "" {
		return nil, fmt.Errorf("a damaged plan")
	}
	return p, nil
}

// planWriter writes numbers as varints and each text once: a later one is its
// number.
type planWriter struct {
	out []byte
	at  map[string]uint64
	err error
}

func (w *planWriter) number(n int) { w.out = binary.AppendVarint(w.out, int64(n)) }

func (w *planWriter) flag(b bool) {
	n := byte(0)
	if b {
		n = 1
	}
	w.out = append(w.out, n)
}

func (w *planWriter) text(s string) {
	if n, ok := w.at[s]; ok {
		w.out = binary.AppendUvarint(w.out, n)
		return
	}
	w.at[s] = uint64(len(w.at) + 1)
	w.out = binary.AppendUvarint(append(w.out, 0), uint64(len(s)))
	w.out = append(w.out, s...)
}

func (w *planWriter) texts(list []string) {
	w.number(len(list))
	for _, s := range list {
		w.text(s)
	}
}

func (w *planWriter) json(v any) {
	data, err := json.Marshal(v)
	if err != nil && w.err == nil {
		w.err = err
	}
	w.text(string(data))
}

// planReader is planWriter's inverse; bad is set by what cannot be.
type planReader struct {
	data string
	seen []string
	bad  bool
}

func (r *planReader) varint() uint64 {
	var n uint64
	for i := 0; i < len(r.data) && i < 10; i++ {
		c := r.data[i]
		n |= uint64(c&0x7f) << (7 * i)
		if c < 0x80 {
			r.data = r.data[i+1:]
			return n
		}
	}
	r.bad, r.data = true, ""
	return 0
}

func (r *planReader) number() int {
	u := r.varint()
	n := int64(u >> 1)
	if u&1 != 0 {
		n = ^n
	}
	return int(n)
}

// count is a number of things, each of which takes a byte at least.
func (r *planReader) count() int {
	n := r.number()
	if n < 0 || n > len(r.data) {
		r.bad, r.data = true, ""
		return 0
	}
	return n
}

// below is a number from 0 to limit-1.
func (r *planReader) below(limit int) int {
	n := r.number()
	if n < 0 || n >= limit {
		r.bad, r.data = true, ""
		return 0
	}
	return n
}

func (r *planReader) flag() bool {
	if r.data == "" {
		r.bad = true
		return false
	}
	b := r.data[0] == 1
	r.data = r.data[1:]
	return b
}

func (r *planReader) text() string {
	n := r.varint()
	if n > 0 {
		if n > uint64(len(r.seen)) {
			r.bad, r.data = true, ""
			return ""
		}
		return r.seen[n-1]
	}
	size := r.varint()
	if size > uint64(len(r.data)) {
		r.bad, r.data = true, ""
		return ""
	}
	s := r.data[:size]
	r.data = r.data[size:]
	r.seen = append(r.seen, s)
	return s
}

func (r *planReader) texts() []string {
	n := r.count()
	if n == 0 {
		return nil
	}
	out := make([]string, n)
	for i := range out {
		out[i] = r.text()
	}
	return out
}

func (r *planReader) json(v any) {
	if err := decodeNumbers(r.text(), v); err != nil {
		r.bad, r.data = true, ""
	}
}
