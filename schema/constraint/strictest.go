package constraint

// Ask is one level's expression about a path.
type Ask struct {
	Expr Expr
	From string // the overlay that asks
}

// Strictest returns the asks that none of the others implies, in the order
// given: usually one. Of equal asks the first stays, the level that asked
// before the others did.
func Strictest(asks []Ask) []Ask {
	var out []Ask
	for i, a := range asks {
		needed := true
		for j, b := range asks {
			if i == j || !b.Expr.Implies(a.Expr) {
				continue
			}
			if j < i || !a.Expr.Implies(b.Expr) {
				needed = false
				break
			}
		}
		if needed {
			out = append(out, a)
		}
	}
	return out
}
