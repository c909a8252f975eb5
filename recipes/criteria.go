package recipes

import (
	"slices"
	"strings"

	"github.com/NVIDIA/eidos/schema"
)

// Fields are the fields of criteria that overlays can state, in the order they
// are shown. The number of nodes is carried along but selects nothing.
func Fields() []string { return []string{"service", "accelerator", "intent", "os", "platform"} }

// Criteria are the values of Fields; "" is not stated.
type Criteria [5]string

// CriteriaOf takes the fields that select from c; any is not stated.
func CriteriaOf(c schema.Criteria) Criteria {
	out := Criteria{string(c.Service), string(c.Accelerator), string(c.Intent), string(c.OS), string(c.Platform)}
	for i, v := range out {
		if v == schema.Any {
			out[i] = ""
		}
	}
	return out
}

// Schema is the document form.
func (c Criteria) Schema() schema.Criteria {
	return schema.Criteria{
		Service: schema.Service(c[0]), Accelerator: schema.Accelerator(c[1]), Intent: schema.Intent(c[2]),
		OS: schema.OS(c[3]), Platform: schema.Platform(c[4]),
	}
}

// Values returns the words known for each of Fields, without any.
func Values() [][]string {
	var out [][]string
	for _, def := range []string{"Service", "Accelerator", "Intent", "OS", "Platform"} {
		out = append(out, slices.DeleteFunc(schema.Enum(def), func(w string) bool { return w == schema.Any }))
	}
	return out
}

// Within reports whether q states everything that c states.
func (c Criteria) Within(q Criteria) bool {
	for i, v := range c {
		if v != "" && v != q[i] {
			return false
		}
	}
	return true
}

// String is "service eks, accelerator gb200", or "none".
func (c Criteria) String() string {
	var parts []string
	for i, v := range c {
		if v != "" {
			parts = append(parts, Fields()[i]+" "+v)
		}
	}
	if parts == nil {
		return "none"
	}
	return strings.Join(parts, ", ")
}

// Flags is c as a user types it, "--service eks --accelerator gb200".
func (c Criteria) Flags() string {
	var parts []string
	for i, v := range c {
		if v != "" {
			parts = append(parts, "--"+Fields()[i]+" "+v)
		}
	}
	return strings.Join(parts, " ")
}
