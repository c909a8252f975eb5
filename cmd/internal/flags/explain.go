package flags

import (
	"errors"
	"strings"

	"github.com/spf13/pflag"

	"github.com/NVIDIA/eidos/schema"
)

// errTwice refuses a second value.
var errTwice = errors.New("set twice; it takes one value")

// Once makes every flag that holds a single value refuse a second one: the last
// of two would win without a word.
func Once(f *pflag.FlagSet) {
	f.VisitAll(func(f *pflag.Flag) {
		if _, list := f.Value.(pflag.SliceValue); list {
			return
		}
		if _, done := f.Value.(*once); !done {
			f.Value = &once{Value: f.Value}
		}
	})
}

// once is a flag's value that can be set one time.
type once struct {
	pflag.Value
	set bool
}

func (o *once) Set(s string) error {
	if o.set {
		return errTwice
	}
	o.set = true
	return o.Value.Set(s)
}

// Explain is an error of pflag in words that name what to type; help is the hint
// where nothing better is known. It is nil for other errors.
func Explain(f *pflag.FlagSet, help string, err error) *schema.Error {
	var unknown *pflag.NotExistError
	var empty *pflag.ValueRequiredError
	var invalid *pflag.InvalidValueError
	var syntax *pflag.InvalidSyntaxError
	switch {
	case errors.As(err, &unknown):
		name, short := unknown.GetSpecifiedName(), unknown.GetSpecifiedShortnames()
		var known []string
		f.VisitAll(func(f *pflag.Flag) { known = append(known, f.Name) })
		if near := schema.Nearest(name, known); near != "" && short == "" {
			help = "did you mean --" + near + "?"
		}
		return schema.Errorf(schema.Invalid, "unknown flag %s", Dashed(name, short)).WithHint("%s", help)
	case errors.As(err, &empty):
		f := empty.GetFlag()
		kind, _ := pflag.UnquoteUsage(f)
		return schema.Errorf(schema.Invalid, "--%s needs a value", f.Name).WithHint("write --%s %s", f.Name, strings.ToUpper(kind))
	case errors.As(err, &invalid):
		return explainValue(invalid).WithHint("%s", help)
	case errors.As(err, &syntax):
		return schema.Errorf(schema.Invalid, "%q is not a flag", syntax.GetSpecifiedFlag()).WithHint("%s", help)
	}
	return nil
}

func explainValue(invalid *pflag.InvalidValueError) *schema.Error {
	f, why := invalid.GetFlag(), ""
	switch f.Value.Type() {
	case "int", "int64":
		why = "not a whole number"
	case "bool":
		why = "neither true nor false"
	case "duration":
		why = "not a duration"
	}
	if why == "" || errors.Is(invalid.Unwrap(), errTwice) {
		return schema.Errorf(schema.Invalid, "--%s: %w", f.Name, invalid.Unwrap())
	}
	return schema.Errorf(schema.Invalid, "--%s: %q is %s", f.Name, invalid.GetValue(), why)
}

// Dashed is a flag as it was written.
func Dashed(name, short string) string {
	if short != "" {
		return "-" + name // the one letter of them that is unknown
	}
	return "--" + name
}
