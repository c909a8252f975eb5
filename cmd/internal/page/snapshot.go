package page

import "net/http"

// snapshot is the page that a snapshot is dropped on. A script does the rest, by
// the API; nothing of a snapshot is kept here.
func (p *page) snapshot(r *http.Request) (string, view, error) {
	list, err := p.catalogue(r.Context(), r.URL.Query())
	if err != nil {
		return "", view{}, err
	}
	d := struct{ Releases, Fields []choice }{releases(list, r.URL.Query()), choices(list, queriesOf(list), nil)}
	return "snapshot", view{Title: "Check a snapshot", Script: "snapshot.js", Data: d}, nil
}
