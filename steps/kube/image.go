package kube

import (
	"context"
	"maps"
	"slices"
	"strings"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/steps/collect"
)

// images reads which images all Pods run, with init and ephemeral containers.
func (c *Client) images(ctx context.Context) (collect.Reading, error) {
	seen := map[string]bool{}
	err := list(ctx, c, request{resource: "pods", path: []string{"api", "v1", "pods"}}, func(p *podImages) {
		for _, containers := range [][]container{p.Spec.InitContainers, p.Spec.Containers, p.Spec.EphemeralContainers} {
			for _, c := range containers {
				if c.Image != "" {
					seen[c.Image] = true
				}
			}
		}
	})
	if err != nil {
		return collect.Reading{}, err
	}
	return reading("image", imageData(slices.Collect(maps.Keys(seen)))), nil
}

// podImages is what is read of a Pod: of tens of thousands of them, decoding
// the rest would be most of the work.
type podImages struct {
	Spec struct{ InitContainers, Containers, EphemeralContainers []container }
}

type container struct{ Image string }

// Unmarshal reads the protobuf of a Pod. The numbers of the fields are those of
// k8s.io/api/core/v1/generated.proto, which never change: Pod.spec is 2;
// PodSpec.containers 2, initContainers 20, ephemeralContainers 34; image is 2
// of Container, and of EphemeralContainerCommon, field 1 of EphemeralContainer.
func (p *podImages) Unmarshal(pod []byte) error {
	image := func(into *[]container) func(protowire.Number, []byte) error {
		return func(num protowire.Number, data []byte) error {
			if num == 2 {
				*into = append(*into, container{string(data)})
			}
			return nil
		}
	}
	return fields(pod, func(num protowire.Number, spec []byte) error {
		if num != 2 {
			return nil
		}
		return fields(spec, func(num protowire.Number, data []byte) error {
			switch num {
			case 2:
				return fields(data, image(&p.Spec.Containers))
			case 20:
				return fields(data, image(&p.Spec.InitContainers))
			case 34:
				return fields(data, func(num protowire.Number, common []byte) error {
					if num != 1 {
						return nil
					}
					return fields(common, image(&p.Spec.EphemeralContainers))
				})
			}
			return nil
		})
	})
}

// imageData gives for each image name its tag. The name is the last part of
// the repository, without registry. Several tags of one repository are listed,
// sorted; where one name comes from several repositories, whole references are,
// because the tags alone would say that these are the same image.
func imageData(images []string) map[string]schema.Scalar {
	type use struct{ repository, tag string }
	uses := map[string]map[use]bool{}
	for _, image := range images {
		repo, tag := splitImage(image)
		name := repo[strings.LastIndexByte(repo, '/')+1:]
		if uses[name] == nil {
			uses[name] = map[use]bool{}
		}
		uses[name][use{repo, tag}] = true
	}
	data := map[string]schema.Scalar{}
	for name, set := range uses {
		repos, tags, refs := map[string]bool{}, map[string]bool{}, map[string]bool{}
		for u := range set {
			sep := ":"
			if strings.HasPrefix(u.tag, "sha256:") {
				sep = "@"
			}
			repos[u.repository], tags[u.tag], refs[u.repository+sep+u.tag] = true, true, true
		}
		if len(repos) > 1 {
			tags = refs
		}
		data[name] = strings.Join(slices.Sorted(maps.Keys(tags)), ", ")
	}
	return data
}

// splitImage splits an image reference into its repository, with Docker Hub's
// short names written out, and its tag; the digest stands in for a tag that is
// not there, and "latest" for both.
func splitImage(image string) (repository, tag string) {
	rest, digest, _ := strings.Cut(image, "@")
	slash := strings.LastIndexByte(rest, '/')
	if i := strings.LastIndexByte(rest, ':'); i > slash {
		rest, tag = rest[:i], rest[i+1:]
	}
	switch {
	case tag == "" && digest != "":
		tag = digest
	case tag == "":
		tag = "latest"
	}
	first, _, more := strings.Cut(rest, "/")
	switch {
	case !more:
		rest = "docker.io/library/" + rest
	case !strings.ContainsAny(first, ".:") && first != "localhost":
		rest = "docker.io/" + rest
	}
	return rest, tag
}
