package recipes

import (
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
	out := stated(c)
	for i, v := range out {
		if v == schema.Any {
			out[i] = ""
		}
	}
	return out
}

// stated are the values of Fields with the word any kept.
func stated(c schema.Criteria) Criteria {
	return Criteria{c.Service, c.Accelerator, c.Intent, c.OS, c.Platform}
}

// Schema is the document form.
func (c Criteria) Schema() schema.Criteria {
	return schema.Criteria{Service: c[0], Accelerator: c[1], Intent: c[2], OS: c[3], Platform: c[4]}
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
