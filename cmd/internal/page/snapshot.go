package page

import (
	"net/http"

	"github.com/NVIDIA/eidos/schema"
)

// snapshot is the page that a snapshot is dropped on. A script does the rest, by
// the API; nothing of a snapshot is kept here.
func (p *page) snapshot(r *http.Request) (string, view, error) {
	var list schema.CriteriaList
	if err := p.ask(r.Context(), "/v1/criteria", nil, &list); err != nil {
		return "", view{}, err
	}
	return "snapshot", view{Title: "Check a snapshot", Script: "snapshot.js", Data: choices(list, queriesOf(list), nil)}, nil
}
