package page

import (
	"context"
	"net/url"

	"github.com/NVIDIA/eidos/schema"
)

// released keeps of a query the release of the catalogue that it names, for links that stay
// in it.
func released(q url.Values) url.Values { return only(q, []string{"catalogue"}) }

// catalogue asks for the words and recipes of the release that a query names.
func (p *page) catalogue(ctx context.Context, q url.Values) (list schema.CriteriaList, err error) {
	return list, p.ask(ctx, "/v1/criteria", released(q), &list)
}

// releases is the field that chooses among the releases of a catalogue, nil if there is
// only one. "current" is the one without a name in the query, whichever that is when the
// link is followed.
func releases(list schema.CriteriaList, q url.Values) []choice {
	if len(list.Releases) < 2 {
		return nil
	}
	chosen := q.Get("catalogue")
	c := choice{Name: "catalogue", Label: "Release", Options: []option{{Value: "", Label: "current", Selected: chosen == ""}}}
	for _, r := range list.Releases {
		c.Options = append(c.Options, option{r, r, r == chosen})
	}
	return []choice{c}
}
