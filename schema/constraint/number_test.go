package constraint

import "testing"

func TestNumber(t *testing.T) {
	for _, c := range []struct {
		expr string
		v    float64
		want Verdict
	}{
		{">= 300", 300, Passed}, {">= 300", 299.99, Failed}, {">= 489.8", 489.75, Failed}, {"<= 300", 300.5, Failed},
		{">= 1, < 2", 1.5, Passed}, {">= 1, < 2", 2, Failed}, {"< 1 || > 3", 4, Passed}, {"5", 5, Passed}, {"!= 5", 5, Failed},
		{"ready", 1, Unknown}, {">= v1.2.3", 1, Unknown}, {">=", 1, Unknown},
	} {
		if got, why := Number(c.expr, c.v); got != c.want {
			t.Errorf("%v, %s: %s (%s), want %s", c.v, c.expr, got, why, c.want)
		}
	}
}
