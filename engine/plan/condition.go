package plan

// Condition is a compiled `when`. Package engine/expr makes them of CUE.
type Condition struct {
	Text string
	// Refs are the paths it reads: [params intent], [matrix deployer],
	// [steps check summary failed], [run status].
	Refs [][]string
	// Unquoted is a name in Text that reads as a difference or a quotient, with
	// what it is a name of, if there is one: steps and gpu-check.
	Unquoted [2]string
	// Eval decides. scope has a key for each first element of Refs.
	Eval func(scope map[string]any) (bool, error)
}
