package text

import (
	"fmt"
	"strings"
	"time"
)

// Count is a number and what it counts: 1 step, 2 steps. It serves words whose plural
// has an s and nothing else.
func Count(n int, what string) string {
	if n != 1 {
		what += "s"
	}
	return fmt.Sprintf("%d %s", n, what)
}

// Took is a duration of so many milliseconds.
func Took(millis int64) string { return Duration(time.Duration(millis) * time.Millisecond) }

// Ago is how long ago something was, in its largest unit, rounded down. What is less than
// a minute ago, or in the future by the clock of this machine, is just now.
func Ago(d time.Duration) string {
	for _, u := range []struct {
		size time.Duration
		name string
	}{{24 * time.Hour, "d"}, {time.Hour, "h"}, {time.Minute, "min"}} {
		if d >= u.size {
			return fmt.Sprintf("%d %s ago", d/u.size, u.name)
		}
	}
	return "just now"
}

// Bytes is a size in its largest unit, powers of 1024.
func Bytes(n int64) string {
	for _, u := range []struct {
		size int64
		name string
	}{{1 << 30, "GiB"}, {1 << 20, "MiB"}, {1 << 10, "KiB"}} {
		if n >= u.size {
			return fmt.Sprintf("%.1f %s", float64(n)/float64(u.size), u.name)
		}
	}
	return fmt.Sprintf("%d B", n)
}

// OneLine joins the lines of s: a cell with a line break would take several lines of its
// table.
func OneLine(s string) string { return strings.Join(strings.Fields(s), " ") }
