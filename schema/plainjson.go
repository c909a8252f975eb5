package schema

import (
	"encoding/json"
	"errors"
	"io"
	"strings"
)

// PlainJSON is an error of encoding/json without the words of Go in it, for JSON of
// a user's that has no definition here.
func PlainJSON(err error) error {
	var wrong *json.UnmarshalTypeError
	var syntax *json.SyntaxError
	switch {
	case errors.As(err, &wrong) && wrong.Field == "":
		return Errorf(Invalid, "it must not be of type %s", wrong.Value)
	case errors.As(err, &wrong):
		return Errorf(Invalid, "%s: must not be of type %s", wrong.Field, wrong.Value)
	case errors.Is(err, io.EOF):
		return Errorf(Invalid, "it is empty")
	case errors.Is(err, io.ErrUnexpectedEOF), errors.As(err, &syntax) && strings.HasPrefix(syntax.Error(), "unexpected end"):
		return Errorf(Invalid, "it ends before its JSON does")
	case errors.As(err, &syntax):
		return Errorf(Invalid, "not JSON: %s", syntax)
	}
	return Errorf(Invalid, "%s", strings.TrimPrefix(err.Error(), "json: "))
}
