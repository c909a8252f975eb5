package images

import (
	"strings"

	"github.com/NVIDIA/eidos/schema/imageref"
	"github.com/NVIDIA/eidos/schema/pattern"
)

// placeholder reports a name that is in the source of a chart until it is
// released: such a chart is published with another one.
func placeholder(r imageref.Ref) bool {
	return strings.HasPrefix(r.Repository, "docker.io/registry/") || strings.Contains(r.Repository, "/k8s-staging-images/") ||
		strings.Contains(r.Repository, "/nvstaging/") || developmentTag.MatchString(r.Tag)
}

var developmentTag = pattern.New(`^(main|main-.*|release-.*|.*-dev|.*-near)$`)
