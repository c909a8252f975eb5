package kube

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/schema/pattern"
)

// Sizes in bytes. The API server refuses a ConfigMap whose values are over
// 1 MiB; 900 KiB leaves room for other keys.
const (
	compressOver = 900 << 10
	mostData     = 1 << 20
	// mostDocument bounds a document that was compressed.
	mostDocument = 64 << 20
)

// fieldManager owns what eidos writes; see "Server-Side Apply" in the
// Kubernetes documentation.
const fieldManager = "eidos"

// Labels of a ConfigMap that eidos wrote.
const (
	labelName      = "app.kubernetes.io/name"
	labelComponent = "app.kubernetes.io/component"
	labelVersion   = "app.kubernetes.io/version"
)

// Stamp is what a ConfigMap says of a document beside the document.
type Stamp struct {
	Time    time.Time
	Version string // of eidos
}

type configMap struct {
	APIVersion string            `json:"apiVersion"`
	Kind       string            `json:"kind"`
	Metadata   objectMeta        `json:"metadata"`
	Data       map[string]string `json:"data,omitempty"`
	BinaryData map[string][]byte `json:"binaryData,omitempty"`
}

type objectMeta struct {
	Name      string            `json:"name"`
	Namespace string            `json:"namespace"`
	Labels    map[string]string `json:"labels,omitempty"`
}

// ReadConfigMap returns the document in a ConfigMap, as it was written. It also
// reads what the upstream tool wrote, which has every kind under snapshot.yaml.
// NotFound if there is no such ConfigMap or it holds no document.
func ReadConfigMap(ctx context.Context, cfg Config, namespace, name string) ([]byte, error) {
	c, err := Connect(cfg)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	return c.ReadConfigMap(ctx, namespace, name)
}

// ReadConfigMap is the function of the same name over an open connection.
func (c *Client) ReadConfigMap(ctx context.Context, namespace, name string) ([]byte, error) {
	if err := checkNames(namespace, name); err != nil {
		return nil, err
	}
	var cm configMap
	if err := c.get(ctx, "configmaps in namespace "+namespace, &cm, configMapPath(namespace, name)...); err != nil {
		return nil, err
	}
	return document(cm)
}

// document finds the one document of cm.
func document(cm configMap) ([]byte, error) {
	var keys []string
	for k := range cm.Data {
		if strings.HasSuffix(k, ".yaml") || strings.HasSuffix(k, ".json") {
			keys = append(keys, k)
		}
	}
	for k := range cm.BinaryData {
		if strings.HasSuffix(k, ".yaml.gz") {
			keys = append(keys, k)
		}
	}
	slices.Sort(keys)
	where := "cm://" + cm.Metadata.Namespace + "/" + cm.Metadata.Name
	switch len(keys) {
	case 0:
		return nil, schema.Errorf(schema.NotFound, "%s holds no document", where).
			WithHint("eidos reads the keys snapshot.yaml, recipe.yaml, report.yaml and the like")
	case 1:
	default:
		return nil, schema.Errorf(schema.Invalid, "%s holds several documents: %s", where, strings.Join(keys, ", "))
	}
	if text, ok := cm.Data[keys[0]]; ok {
		return []byte(text), nil
	}
	zr, err := gzip.NewReader(bytes.NewReader(cm.BinaryData[keys[0]]))
	if err != nil {
		return nil, schema.Errorf(schema.Invalid, "%s: %s: %w", where, keys[0], err)
	}
	data, err := io.ReadAll(io.LimitReader(zr, mostDocument+1))
	if err != nil {
		return nil, schema.Errorf(schema.Invalid, "%s: %s: %w", where, keys[0], err)
	}
	if len(data) > mostDocument {
		return nil, schema.Errorf(schema.Invalid, "%s: %s is more than %d MiB unpacked", where, keys[0], mostDocument>>20)
	}
	return data, nil
}

// WriteConfigMap stores v in a ConfigMap by server-side apply. Over 900 KiB it
// is compressed; what is still over 1 MiB is refused as Invalid before anything
// is sent. A ConfigMap of that name whose keys somebody else owns is left as it
// is, unless eidos or the upstream tool made it.
func WriteConfigMap(ctx context.Context, cfg Config, namespace, name string, v schema.Value, s Stamp) error {
	cm, err := newConfigMap(namespace, name, v, s)
	if err != nil {
		return err
	}
	c, err := Connect(cfg)
	if err != nil {
		return err
	}
	defer c.Close()
	return c.applyConfigMap(ctx, cm)
}

// WriteConfigMap is the function of the same name over an open connection.
func (c *Client) WriteConfigMap(ctx context.Context, namespace, name string, v schema.Value, s Stamp) error {
	cm, err := newConfigMap(namespace, name, v, s)
	if err != nil {
		return err
	}
	return c.applyConfigMap(ctx, cm)
}

// component is the key and the label of a document: snapshot, recipe, report.
func component(v schema.Value) string {
	switch v.(type) {
	case *schema.Snapshot:
		return "snapshot"
	case *schema.RecipeResult:
		return "recipe"
	case *schema.ValidationResult:
		return "report"
	}
	// application/vnd.nvidia.eidos.NAME.v1alpha1+json
	kind := strings.TrimPrefix(v.MediaType(), "application/vnd.nvidia.eidos.")
	kind, _, _ = strings.Cut(kind, ".")
	return kind
}

func newConfigMap(namespace, name string, v schema.Value, s Stamp) (configMap, error) {
	if err := checkNames(namespace, name); err != nil {
		return configMap{}, err
	}
	text, err := schema.EncodeYAML(v)
	if err != nil {
		return configMap{}, err
	}
	what := component(v)
	cm := configMap{
		APIVersion: "v1", Kind: "ConfigMap",
		Metadata: objectMeta{Name: name, Namespace: namespace, Labels: map[string]string{
			labelName: "eidos", labelComponent: what, labelVersion: labelValue(s.Version),
		}},
		Data: map[string]string{"format": "yaml", "timestamp": s.Time.UTC().Format(time.RFC3339)},
	}
	return cm, cm.put(what, text)
}

// put stores a document in cm, compressed if it is long. Invalid if it does
// not fit.
func (cm *configMap) put(what string, text []byte) error {
	size := len(text)
	if size > compressOver {
		packed, err := pack(text)
		if err != nil {
			return err
		}
		size = len(packed)
		cm.BinaryData = map[string][]byte{what + ".yaml.gz": packed}
	} else {
		cm.Data[what+".yaml"] = string(text)
	}
	if size+256 > mostData { // the other keys are short
		return schema.Errorf(schema.Invalid, "the %s is too big for a ConfigMap: %d KiB, and %d KiB compressed, of at most 1024",
			what, len(text)>>10, size>>10).WithHint("write it to a file or to oci://, or leave out lists: --max-nodes-per-entry, --collectors")
	}
	return nil
}

// pack compresses without a time or name in the header, so that equal
// documents have equal bytes.
func pack(text []byte) ([]byte, error) {
	var buf bytes.Buffer
	zw, err := gzip.NewWriterLevel(&buf, gzip.BestCompression)
	if err != nil {
		return nil, err
	}
	if _, err := zw.Write(text); err != nil {
		return nil, err
	}
	if err := zw.Close(); err != nil {
		return nil, err
	}
	return buf.Bytes(), nil
}

func (c *Client) applyConfigMap(ctx context.Context, cm configMap) error {
	err := c.apply(ctx, "configmaps in namespace "+cm.Metadata.Namespace, cm, false, configMapPath(cm.Metadata.Namespace, cm.Metadata.Name)...)
	if isStatus(err, http.StatusNotFound) {
		return schema.Errorf(schema.NotFound, "the cluster has no namespace %q", cm.Metadata.Namespace).
			WithHint("kubectl create namespace %s", cm.Metadata.Namespace)
	}
	if !isStatus(err, http.StatusConflict) {
		return err
	}
	var there configMap
	if getErr := c.get(ctx, "configmaps in namespace "+cm.Metadata.Namespace, &there, configMapPath(cm.Metadata.Namespace, cm.Metadata.Name)...); getErr != nil {
		return errors.Join(err, getErr)
	}
	if owner := there.Metadata.Labels[labelName]; owner != "eidos" && owner != "aicr" {
		return schema.Errorf(schema.Failed, "cm://%s/%s is not eidos's: %w", cm.Metadata.Namespace, cm.Metadata.Name, err).
			WithHint("write to another name, or delete it first")
	}
	return c.apply(ctx, "configmaps in namespace "+cm.Metadata.Namespace, cm, true, configMapPath(cm.Metadata.Namespace, cm.Metadata.Name)...)
}

// apply sends obj by server-side apply; force takes over fields that others
// own.
func (c *Client) apply(ctx context.Context, resource string, obj any, force bool, path ...string) error {
	body, err := json.Marshal(obj)
	if err != nil {
		return fmt.Errorf("writing %s: %w", resource, err)
	}
	q := url.Values{"fieldManager": {fieldManager}, "force": {fmt.Sprint(force)}}
	_, err = c.do(ctx, request{method: http.MethodPatch, verb: "patch", resource: resource, path: path, query: q, accept: jsonType, content: applyType, body: body})
	return err
}

func configMapPath(namespace, name string) []string {
	return []string{"api", "v1", "namespaces", namespace, "configmaps", name}
}

var (
	dnsLabel  = pattern.New(`^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$`)
	dnsName   = pattern.New(`^[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$`)
	badLabels = pattern.New(`[^A-Za-z0-9._-]+`)
)

// checkNames refuses what cannot be names before it becomes part of a path.
func checkNames(namespace, name string) error {
	var errs []error
	if !dnsLabel.MatchString(namespace) {
		errs = append(errs, schema.Errorf(schema.Invalid, "%q is not a namespace's name", namespace).WithHint("cm://NAMESPACE/NAME"))
	}
	if !dnsName.MatchString(name) || len(name) > 253 {
		errs = append(errs, schema.Errorf(schema.Invalid, "%q is not a ConfigMap's name", name).WithHint("cm://NAMESPACE/NAME"))
	}
	return schema.Join(errs)
}

// labelValue makes of s what may stand in a label, "unknown" if nothing is left.
func labelValue(s string) string {
	s = badLabels.ReplaceAllString(s, "_")
	s = strings.Trim(s[:min(63, len(s))], "._-")
	if s == "" {
		return "unknown"
	}
	return s
}
