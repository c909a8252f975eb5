package agent

import "github.com/NVIDIA/eidos/steps/kube"

// set puts v at a path of keys and indices; maps on the way are made.
func set(o kube.Object, v any, at ...any) {
	var here any = map[string]any(o)
	for i, key := range at {
		last := i == len(at)-1
		switch key := key.(type) {
		case string:
			m := here.(map[string]any)
			if last {
				m[key] = v
				return
			}
			if m[key] == nil {
				m[key] = map[string]any{}
			}
			here = m[key]
		case int:
			l := here.([]any)
			if last {
				l[key] = v
				return
			}
			here = l[key]
		}
	}
}

// get returns what is at a path, nil for nothing.
func get(o kube.Object, at ...any) any {
	var here any = map[string]any(o)
	for _, key := range at {
		switch key := key.(type) {
		case string:
			m, _ := here.(map[string]any)
			here = m[key]
		case int:
			l, _ := here.([]any)
			if key >= len(l) {
				return nil
			}
			here = l[key]
		}
	}
	return here
}

// add appends v to the list at a path.
func add(o kube.Object, v any, at ...any) {
	list, _ := get(o, at...).([]any)
	set(o, append(list[:len(list):len(list)], v), at...)
}
