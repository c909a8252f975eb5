package page

import (
	"net/http"
	"strings"
)

// snapshot is the page that a snapshot is dropped on. A script does the rest, by the API,
// so that the snapshot itself never comes to this package. The commands do the same
// without the page.
func (p *page) snapshot(r *http.Request) (string, view, error) {
	list, err := p.catalogue(r.Context(), r.URL.Query())
	if err != nil {
		return "", view{}, err
	}
	release := released(r.URL.Query())
	send := strings.Replace(curl(r, "/v1/detect", release), "curl ", "curl -H 'Content-Type: application/yaml' --data-binary @snapshot.yaml ", 1)
	d := struct {
		Releases, Fields []choice
		Commands         []string
	}{releases(list, release), choices(list, queriesOf(list), nil), []string{
		command("eidos detect snapshot.yaml", release, []string{"catalogue"}),
		command("eidos recipe --snapshot snapshot.yaml", release, []string{"catalogue"}, "-o", "recipe.yaml"), "eidos validate -r recipe.yaml -s snapshot.yaml", send}}
	return "snapshot", view{Title: "Check a snapshot", Script: "snapshot.js", Data: d}, nil
}
