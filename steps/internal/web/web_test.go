package web

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/NVIDIA/eidos/schema"
)

// A server that does not speak HTTPS is Unavailable, with what to try.
func TestNoHTTPS(t *testing.T) {
	s := httptest.NewServer(http.NotFoundHandler())
	defer s.Close()
	_, err := Client{}.Open(t.Context(), strings.Replace(s.URL, "http://", "https://", 1), "*/*")
	var se *schema.Error
	if !errors.As(err, &se) || se.Code != schema.Unavailable || !strings.Contains(se.Hint, "is it http://?") {
		t.Errorf("%#v", err)
	}
}
