package mirror

import (
	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/steps/chartlock"
)

// chartConfig is what Helm writes as the config of a chart: its Chart.yaml as
// JSON.
func chartConfig(archive []byte) ([]byte, error) {
	text, err := chartlock.ChartFile(archive)
	if err != nil {
		return nil, err
	}
	doc, err := schema.Parse("Chart.yaml", text)
	if err != nil {
		return nil, err
	}
	return schema.Encode(doc.Exact())
}
