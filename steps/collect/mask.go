package collect

import (
	"strconv"
	"strings"

	"github.com/NVIDIA/eidos/schema/pattern"
)

// masked stands where a value was that may be secret: that it is set is a
// fact worth keeping, what it is set to is not.
const masked = "(masked)"

var (
	// secretWord matches, in lower case, the name of what may hold a credential.
	// A name that merely points to a file is masked too: better one path too
	// few than one password too many.
	secretWord = pattern.New(`passw|passphrase|secret|token|credential|api[-_]?key|access[-_]?key|private[-_]?key|setenv|authkey|bearer`)
	// userinfo matches the user and password in a URL.
	userinfo = pattern.New(`://[^/@\s]+@`)
	// setting matches one name and value inside a longer value: a=b,c=d.
	setting = pattern.New(`([A-Za-z0-9_./-]+)([=:])([^,;&=:\s]+)`)
	// hostAddress matches kernel parameters that hold addresses of this one host.
	hostAddress = pattern.New(`^(ip|BOOTIF|nfsroot|nfsaddrs|rd\.iscsi\.initiator)$`)
)

// maskValue returns value, or what may be shown of it.
func maskValue(key, value string) string {
	if plain(value) {
		return value
	}
	if hostAddress.MatchString(key) || secretWord.MatchString(strings.ToLower(key)) {
		return masked
	}
	value = userinfo.ReplaceAllString(value, "://"+masked+"@")
	return setting.ReplaceAllStringFunc(value, func(s string) string {
		m := setting.FindStringSubmatch(s)
		if plain(m[3]) || !secretWord.MatchString(strings.ToLower(m[1])) {
			return s
		}
		return m[1] + m[2] + masked
	})
}

// plain reports whether value is a switch and no secret.
func plain(value string) bool {
	_, err := strconv.ParseBool(value)
	return value == "" || err == nil
}

// maskArgs masks what follows a flag that names a secret, as --token VALUE or
// --token=VALUE, and credentials in URLs.
func maskArgs(args []string) []string {
	out := make([]string, len(args))
	hide := false
	for i, a := range args {
		flag := strings.HasPrefix(a, "-")
		key, value, assigned := strings.Cut(a, "=")
		switch {
		case hide && !flag:
			out[i] = masked
		case assigned:
			out[i] = key + "=" + maskValue(key, value)
		default:
			out[i] = maskValue("", a)
		}
		hide = flag && !assigned && secretWord.MatchString(strings.ToLower(key))
	}
	return out
}
