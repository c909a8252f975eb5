package flags

import (
	"errors"
	"strings"

	"github.com/spf13/pflag"

	"github.com/NVIDIA/eidos/schema"
)

var (
	errTwice = errors.New("set twice; it takes one value")
	errEmpty = errors.New("the value is empty")
)

// Strict makes every flag that holds a single value refuse a second one, the last
// of two would win without a word, and every flag of text an empty one:
// --policy "$POLICY" checks no policy where the variable is not set.
func Strict(f *pflag.FlagSet) {
	f.VisitAll(func(f *pflag.Flag) {
		switch v := f.Value.(type) {
		case *once, *list:
		case pflag.SliceValue:
			f.Value = &list{Value: f.Value, SliceValue: v}
		default:
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
	if s == "" {
		return errEmpty
	}
	o.set = true
	return o.Value.Set(s)
}

// list is a flag's values, none of which is empty.
type list struct {
	pflag.Value
	pflag.SliceValue
}

func (l *list) Set(s string) error {
	if s == "" {
		return errEmpty
	}
	return l.Value.Set(s)
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
		return explainValue(invalid, help)
	case errors.As(err, &syntax):
		return schema.Errorf(schema.Invalid, "%q is not a flag", syntax.GetSpecifiedFlag()).WithHint("%s", help)
	}
	return nil
}

// explainValue is the error for a value that a flag refuses. pflag passes on what strconv
// reports about numbers, which does not read like a message for users.
func explainValue(invalid *pflag.InvalidValueError, help string) *schema.Error {
	f, why := invalid.GetFlag(), ""
	if errors.Is(invalid.Unwrap(), errEmpty) {
		help = "leave the flag out, or give it a value"
	}
	switch f.Value.Type() {
	case "int", "int64":
		why = "not a whole number"
	case "bool":
		why = "neither true nor false"
	case "duration":
		why = "not a duration"
	}
	if why == "" || errors.Is(invalid.Unwrap(), errTwice) || errors.Is(invalid.Unwrap(), errEmpty) {
		return schema.Errorf(schema.Invalid, "--%s: %w", f.Name, invalid.Unwrap()).WithHint("%s", help)
	}
	return schema.Errorf(schema.Invalid, "--%s: %q is %s", f.Name, invalid.GetValue(), why).WithHint("%s", help)
}

// Dashed is a flag as it was written.
func Dashed(name, short string) string {
	if short != "" {
		return "-" + name // the one letter of them that is unknown
	}
	return "--" + name
}
