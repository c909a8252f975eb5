package recipes

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"slices"

	"github.com/NVIDIA/eidos/schema"
)

// Check is something that can be checked on a running cluster, as compiled in
// checks.json; catalog/check.cue has the meaning of each field. It has Expect,
// Run or Probe, or Probe with the Run of its Pods.
type Check struct {
	Name        string             `json:"name"`
	Phase       string             `json:"phase"`
	Description string             `json:"description"`
	Measures    string             `json:"measures,omitempty"`
	Components  []string           `json:"components,omitempty"`
	Each        string             `json:"each,omitempty"`
	Severity    string             `json:"severity"`
	Timeout     string             `json:"timeout"`
	Hint        string             `json:"hint,omitempty"`
	Counts      map[string]Objects `json:"counts,omitempty"`
	Expect      []Expect           `json:"expect,omitempty"`
	Run         *Run               `json:"run,omitempty"`
	Probe       string             `json:"probe,omitempty"`
	Metrics     []string           `json:"metrics,omitempty"`
	Needs       *Needs             `json:"needs,omitempty"`
}

// Objects selects live objects of one kind, or what a service answers with.
type Objects struct {
	APIVersion string            `json:"apiVersion,omitempty"`
	Kind       string            `json:"kind,omitempty"`
	Resource   string            `json:"resource,omitempty"`
	Cluster    bool              `json:"cluster,omitempty"`
	Namespace  string            `json:"namespace,omitempty"`
	Name       string            `json:"name,omitempty"`
	Labels     map[string]string `json:"labels,omitempty"`
	Where      map[string]string `json:"where,omitempty"`
	Proxy      *Proxy            `json:"proxy,omitempty"`
}

// Proxy is a request to a service through the API server.
type Proxy struct {
	Service string `json:"service"`
	Path    string `json:"path"`
	Query   string `json:"query,omitempty"`
	Items   string `json:"items,omitempty"`
}

// Expect is a condition on objects, or several conditions together.
type Expect struct {
	Objects
	Count     string            `json:"count,omitempty"`
	Fields    map[string]string `json:"fields,omitempty"`
	Match     string            `json:"match,omitempty"`
	Missing   string            `json:"missing,omitempty"`
	Unclaimed bool              `json:"unclaimed,omitempty"`
	Hint      string            `json:"hint,omitempty"`
	Value     string            `json:"value,omitempty"`
	Any       []Expect          `json:"any,omitempty"`
	All       []Expect          `json:"all,omitempty"`
}

// Run is a program in Pods and how its result is read.
type Run struct {
	Image        string            `json:"image"`
	Command      []string          `json:"command,omitempty"`
	Args         []string          `json:"args,omitempty"`
	Env          map[string]string `json:"env,omitempty"`
	Pods         int               `json:"pods"`
	EveryGPUNode bool              `json:"everyGPUNode,omitempty"`
	GPUs         int               `json:"gpus,omitempty"`
	CPU          string            `json:"cpu,omitempty"`
	Memory       string            `json:"memory,omitempty"`
	Scheduler    string            `json:"scheduler,omitempty"`
	DeviceClass  string            `json:"deviceClass,omitempty"`
	Reader       Reader            `json:"reader"`
	Unit         string            `json:"unit,omitempty"`
	Value        string            `json:"value,omitempty"`
}

// Reader says how the result of a program is read from its log: one of these.
type Reader struct {
	NCCL    bool   `json:"nccl,omitempty"`
	GPUBurn bool   `json:"gpuBurn,omitempty"`
	Pattern string `json:"pattern,omitempty"`
	JSON    string `json:"json,omitempty"`
	Exit    bool   `json:"exit,omitempty"`
}

// Needs is what a run or a probe takes beside permissions.
type Needs struct {
	Nodes int `json:"nodes,omitempty"`
	GPUs  int `json:"gpus,omitempty"`
}

// Checks reads what can be checked on a cluster, by name.
func (c *Catalog) Checks() (map[string]Check, error) {
	data, err := fs.ReadFile(c.files, "checks.json")
	if err != nil {
		return nil, fmt.Errorf("reading the catalogue's checks: %w", err)
	}
	out := map[string]Check{}
	if err := json.Unmarshal(data, &out); err != nil {
		return nil, fmt.Errorf("reading the catalogue's checks: %w", err)
	}
	return out, nil
}

// ChecksOf are the checks of a recipe, by name: those that it names and those that are
// for its components. undefined are the phases of those that it names and known lacks.
func ChecksOf(r *schema.RecipeResult, known map[string]Check) (of map[string]Check, undefined map[string]string) {
	of, undefined = map[string]Check{}, map[string]string{}
	for phase, v := range r.Validation {
		for _, name := range v.Checks {
			if c, ok := known[name]; ok {
				of[name] = c
			} else {
				undefined[name] = phase
			}
		}
	}
	for name, c := range known {
		if slices.Contains(c.Components, "*") || slices.ContainsFunc(r.ComponentRefs, func(k schema.ComponentRef) bool { return slices.Contains(c.Components, k.Name) }) {
			of[name] = c
		}
	}
	return of, undefined
}

// DecodeChecks reads checks that a program of perhaps another version wrote: Invalid
// for a key that this one does not know.
func DecodeChecks(data []byte) (map[string]Check, error) {
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	out := map[string]Check{}
	if err := d.Decode(&out); err != nil {
		return nil, schema.Errorf(schema.Invalid, "reading definitions of checks: %w", schema.PlainJSON(err)).
			WithHint("they have to be of the version of eidos that runs the checks")
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, schema.Errorf(schema.Invalid, "definitions of checks are followed by something else")
	}
	var errs []error
	for _, name := range slices.Sorted(maps.Keys(out)) {
		if out[name].Name != name {
			errs = append(errs, schema.Errorf(schema.Invalid, "the definition of check %q has the name %q", name, out[name].Name))
		}
	}
	return out, schema.Join(errs)
}
