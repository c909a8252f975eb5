//go:build !linux

package replace

import "errors"

func exchange(string, string) error { return errors.ErrUnsupported }
