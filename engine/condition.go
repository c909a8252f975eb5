package engine

// Condition is a compiled `when`. Package engine/expr makes them of CUE.
type Condition struct {
	Text string
	// Refs are the paths it reads: [params intent], [matrix deployer],
	// [steps check summary failed], [run status].
	Refs [][]string
	// Eval decides. scope has a key for each first element of Refs.
	Eval func(scope map[string]any) (bool, error)
}
