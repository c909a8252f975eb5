package flags

import (
	"testing"

	"github.com/spf13/pflag"
)

// A variable of the shell that is not set must not turn a flag off.
func TestStrict(t *testing.T) {
	for _, tt := range []struct {
		args []string
		want string
	}{
		{[]string{"--policy", ""}, "--policy: the value is empty"},
		{[]string{"--policy="}, "--policy: the value is empty"},
		{[]string{"-p", ""}, "--policy: the value is empty"},
		{[]string{"--key", "a", "--key", ""}, "--key: the value is empty"},
		{[]string{"--nodes="}, "--nodes: the value is empty"},
		{[]string{"--policy", "a", "--policy", "b"}, "--policy: set twice; it takes one value"},
		{[]string{"--nodes", "x"}, `--nodes: "x" is not a whole number`},
		{[]string{"--policy", "a", "--key", "a", "--key", "b", "--nodes", "1", "--plain"}, ""},
	} {
		f := pflag.NewFlagSet("test", pflag.ContinueOnError)
		f.StringP("policy", "p", "", "")
		f.Int64("nodes", 0, "")
		f.Bool("plain", false, "")
		keys := f.StringArray("key", nil, "")
		Strict(f)
		Strict(f) // a command's own flags are met twice
		err := f.Parse(tt.args)
		if tt.want == "" {
			if err != nil || len(*keys) != 2 {
				t.Errorf("%q: %v, %q", tt.args, err, *keys)
			}
			continue
		}
		if err == nil {
			t.Errorf("%q is taken", tt.args)
			continue
		}
		if e := Explain(f, "see --help", err); e == nil || e.Error() != tt.want || e.Hint == "" {
			t.Errorf("%q: %v", tt.args, e)
		}
	}
}
