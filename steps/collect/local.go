package collect

import "os"

// Local returns the sources of this host, each reading the real thing.
func Local() []Source {
	return []Source{
		OS(os.DirFS("/")),
		SystemD(SystemBus),
		GPU(),
	}
}

// Host names this host for a snapshot: the node's name where the agent runs
// (NODE_NAME, from the downward API), else the host name.
func Host() (string, error) {
	if n := os.Getenv("NODE_NAME"); n != "" {
		return n, nil
	}
	return os.Hostname()
}
