package chartlock

import (
	"archive/tar"
	"bytes"
	"io"
	"path"
	"strings"

	"github.com/klauspost/compress/gzip"

	"github.com/NVIDIA/eidos/schema"
)

// chartVersion names a chart.
type chartVersion struct{ name, version string }

// maxUnpacked is how much of an archive is unpacked to find its Chart.yaml.
const maxUnpacked = 256 << 20 // bytes

// maxChartFile is the longest Chart.yaml that is read.
const maxChartFile = 1 << 20 // bytes

// identify returns the chart that a packaged chart states to be.
func identify(archive []byte) (chartVersion, error) {
	data, err := ChartFile(archive)
	if err != nil {
		return chartVersion{}, err
	}
	doc, err := schema.Parse("Chart.yaml", data)
	if err != nil {
		return chartVersion{}, schema.Errorf(schema.Invalid, "not a packaged chart: %w", err)
	}
	is := chartVersion{doc.TextAt("name"), doc.TextAt("version")}
	if is.name == "" || is.version == "" {
		return chartVersion{}, schema.Errorf(schema.Invalid, "not a packaged chart: its Chart.yaml has no name or no version")
	}
	return is, nil
}

// ChartFile returns the Chart.yaml of a packaged chart. Invalid if it is not one.
func ChartFile(archive []byte) ([]byte, error) {
	bad := func(format string, args ...any) ([]byte, error) {
		return nil, schema.Errorf(schema.Invalid, "not a packaged chart: "+format, args...)
	}
	zr, err := gzip.NewReader(bytes.NewReader(archive))
	if err != nil {
		return bad("%w", err)
	}
	tr := tar.NewReader(io.LimitReader(zr, maxUnpacked))
	for {
		h, err := tr.Next()
		if err == io.EOF {
			return bad("it has no Chart.yaml")
		}
		if err != nil {
			return bad("%w", err)
		}
		if dir, file := path.Split(path.Clean(h.Name)); h.Typeflag != tar.TypeReg || file != "Chart.yaml" || strings.Count(dir, "/") != 1 {
			continue
		}
		data, err := io.ReadAll(io.LimitReader(tr, maxChartFile+1))
		if err != nil {
			return bad("%w", err)
		}
		if len(data) > maxChartFile {
			return bad("its Chart.yaml has more than %d MiB", maxChartFile>>20)
		}
		return data, nil
	}
}

// sameVersion compares versions as Helm does when it looks for one: with or
// without a leading v.
func sameVersion(a, b string) bool { return strings.TrimPrefix(a, "v") == strings.TrimPrefix(b, "v") }
