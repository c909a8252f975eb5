package page

import (
	"context"
	"net/url"
	"slices"

	"github.com/NVIDIA/eidos/schema"
)

// profile is a choice within a recipe, as a field of a form. All of them have the name
// profile: the query repeats the parameter, profile=NAME=CHOICE.
type profile struct {
	choice
	Description string // what is chosen
	Chosen      string // what the choice means
}

// profilesOf are the fields that choose within a recipe, with what is chosen now. The
// default has the value "", so that it leaves the query and the URL stays the one of the
// recipe without a choice. A profile that the catalogue's list does not have is skipped.
func profilesOf(list schema.CriteriaList, chosen []schema.Profile) []profile {
	var out []profile
	for _, c := range chosen {
		i := slices.IndexFunc(list.Profiles, func(p schema.CriteriaProfile) bool { return p.Name == c.Name && p.From == c.From })
		if i < 0 {
			continue // the recipe is of another release
		}
		of := list.Profiles[i]
		p := profile{choice{Name: "profile", Label: c.Name}, of.Description, ""}
		for _, x := range of.Choices {
			o := option{c.Name + "=" + x.Name, x.Name, x.Name == c.Choice}
			switch {
			case x.Name == of.Default:
				o.Value, o.Label = "", x.Name+" (default)"
			case x.Maturity != "stable":
				o.Label += " (" + x.Maturity + ")"
			}
			if o.Selected {
				p.Chosen = x.Description
			}
			p.Options = append(p.Options, o)
		}
		out = append(out, p)
	}
	return out
}

// profiles are the fields that choose within the recipe that a query asks for; none
// where it asks for none.
func (p *page) profiles(ctx context.Context, list schema.CriteriaList, q url.Values) []choice {
	var r schema.RecipeResult
	if len(q) == 0 || p.ask(ctx, "/v1/recipe", q, &r) != nil {
		return nil
	}
	var out []choice
	for _, f := range profilesOf(list, r.Profiles) {
		out = append(out, f.choice)
	}
	return out
}
