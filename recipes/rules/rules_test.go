package rules

import (
	"testing"

	"github.com/NVIDIA/eidos/schema"
)

func TestCheck(t *testing.T) {
	values := map[string]map[string]any{
		"a": {"on": true, "n": int64(3), "root": "/x", "empty": "", "list": []any{
			map[string]any{"operator": "Exists", "key": "gpu"}, map[string]any{"operator": "Exists"},
		}, "k.d": "dotted"},
		"b": {"root": "/y"},
	}
	type cond = schema.RuleCondition
	for name, c := range map[string]struct {
		when    []cond
		without []string
		want    bool
	}{
		"is":                        {[]cond{{Value: "a:on", Is: "true"}}, nil, true},
		"is not":                    {[]cond{{Value: "a:on", Is: "false"}}, nil, false},
		"number":                    {[]cond{{Value: "a:n", Is: ">= 2"}}, nil, true},
		"default":                   {[]cond{{Value: "a:other", Default: "true", Is: "true"}}, nil, true},
		"no default":                {[]cond{{Value: "a:other", Is: "true"}}, nil, false},
		"a dot in a key":            {[]cond{{Value: `a:k\.d`, Is: "dotted"}}, nil, true},
		"differs":                   {[]cond{{Value: "a:root", Differs: "b:root"}}, nil, true},
		"does not differ":           {[]cond{{Value: "a:root", Differs: "a:root"}}, nil, false},
		"differs from the default":  {[]cond{{Value: "a:root", Default: "/z", Differs: "b:none"}}, nil, true},
		"differs from nothing":      {[]cond{{Value: "a:root", Differs: "b:none"}}, nil, false},
		"has":                       {[]cond{{Value: "a:list", Has: map[string]string{"operator": "Exists", "key": ""}}}, nil, true},
		"has not":                   {[]cond{{Value: "a:list", Has: map[string]string{"operator": "Equal"}}}, nil, false},
		"has, and is not a list":    {[]cond{{Value: "a:root", Has: map[string]string{"operator": "Equal"}}}, nil, false},
		"missing":                   {[]cond{{Value: "a:none", Missing: true}}, nil, true},
		"empty":                     {[]cond{{Value: "a:empty", Missing: true}}, nil, true},
		"not missing":               {[]cond{{Value: "a:on", Missing: true}}, nil, false},
		"of what is not there":      {[]cond{{Value: "c:on", Missing: true}}, nil, false},
		"all":                       {[]cond{{Value: "a:on", Is: "true"}, {Value: "a:n", Is: "4"}}, nil, false},
		"without what is not there": {[]cond{{Value: "a:on", Is: "true"}}, []string{"c"}, true},
		"without what is there":     {[]cond{{Value: "a:on", Is: "true"}}, []string{"b"}, false},
	} {
		got, err := Check([]schema.Rule{{Component: "a", Name: "r", When: c.when, Without: c.without}}, values)
		if err != nil || (len(got) == 1) != c.want {
			t.Errorf("%s: %v, %v", name, got, err)
		}
	}
	for _, c := range []cond{{Value: "a"}, {Value: "a:x..y"}, {Value: "a:on"}, {Value: "a:on", Is: "true", Missing: true}, {Value: "a:on", Is: ">="}, {Value: "a:on", Differs: "b"}} {
		if _, err := Check([]schema.Rule{{Component: "a", Name: "r", When: []cond{c}}}, values); schema.CodeOf(err) != schema.Invalid {
			t.Errorf("%+v: %v", c, err)
		}
	}
}
