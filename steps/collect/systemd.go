package collect

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"syscall"

	"github.com/coreos/go-systemd/v22/dbus"
	godbus "github.com/godbus/dbus/v5"

	"github.com/NVIDIA/eidos/schema"
)

// Bus is a connection to systemd.
type Bus interface {
	// GetAllPropertiesContext returns every property of a unit. systemd has an
	// answer for a unit that does not exist too: LoadState is then not-found.
	GetAllPropertiesContext(ctx context.Context, unit string) (map[string]any, error)
	Close()
}

// SystemBus connects to the system bus, which DBUS_SYSTEM_BUS_ADDRESS can name.
func SystemBus(ctx context.Context) (Bus, error) {
	conn, err := dbus.NewSystemConnectionContext(ctx)
	if err != nil {
		return nil, err
	}
	return conn, nil
}

// units are the services whose settings decide how GPU containers run.
var units = []string{"containerd.service", "docker.service", "kubelet.service"}

// SystemD is the properties of the container services, over the bus that dial
// connects to.
func SystemD(dial func(context.Context) (Bus, error)) Source {
	return Source{
		Collectors: []schema.Collector{"systemd"},
		Open: func(ctx context.Context, _ schema.CollectParams, _ []schema.Collector) ([]Part, func(), error) {
			bus, err := dial(ctx)
			if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ECONNREFUSED) {
				return nil, nil, Absent("no system bus: %s", err)
			}
			if err != nil {
				return nil, nil, fmt.Errorf("connecting to the system bus: %w", err)
			}
			read := func(ctx context.Context) (Reading, error) { return readUnits(ctx, bus) }
			return []Part{{"systemd", "", "SystemD", read}}, bus.Close, nil
		},
	}
}

func readUnits(ctx context.Context, bus Bus) (Reading, error) {
	var r Reading
	for _, unit := range units {
		props, err := bus.GetAllPropertiesContext(ctx, unit)
		if err != nil && noSystemd(err) {
			return Reading{}, Absent("the system bus has no systemd: %s", err)
		}
		if err != nil {
			return Reading{}, fmt.Errorf("reading %s: %w", unit, err)
		}
		r.Subtypes = append(r.Subtypes, schema.Subtype{Subtype: unit, Data: unitData(props)})
	}
	return r, nil
}

// noSystemd reports whether err says that nothing on the bus is systemd, as in
// a container with a bus of its own.
func noSystemd(err error) bool {
	var e godbus.Error
	return errors.As(err, &e) && (e.Name == "org.freedesktop.DBus.Error.ServiceUnknown" || e.Name == "org.freedesktop.DBus.Error.NameHasNoOwner")
}

// absentUnit are the properties worth keeping of a unit that does not exist;
// the hundreds of others are systemd's defaults.
var absentUnit = []string{"ActiveState", "Id", "LoadState", "SubState", "UnitFileState"}

func unitData(props map[string]any) map[string]schema.Scalar {
	data := map[string]schema.Scalar{}
	for name, v := range props {
		if !secretProperty(name) && (props["LoadState"] != "not-found" || slices.Contains(absentUnit, name)) {
			data[name] = property(name, v)
		}
	}
	return data
}

// secretProperty reports whether a unit's property can hold a credential:
// environment (Environment, EnvironmentFiles, PassEnvironment), credentials
// (LoadCredential, SetCredentialEncrypted, …), a password or key, and bytes fed
// to standard input.
func secretProperty(name string) bool {
	n := strings.ToLower(name)
	return strings.Contains(n, "environment") || secretWord.MatchString(n) || n == "standardinputdata" || n == "roothashsignature"
}

// property turns a D-Bus value into a scalar. Numbers, text and switches stay
// what they are; lists of words are sorted, since systemd keeps them in the
// order of a hash table; everything else is written as Go prints it. Commands
// are cut to what was configured, path and arguments: the rest of the
// structure is process ids and times.
func property(name string, v any) schema.Scalar {
	if strings.HasPrefix(name, "Exec") {
		if cmds, ok := v.([][]any); ok {
			return commands(cmds)
		}
	}
	switch v := v.(type) {
	case bool:
		return v
	case string:
		return strings.ToValidUTF8(maskValue("", v), "�")
	case byte:
		return int64(v)
	case int16:
		return int64(v)
	case uint16:
		return int64(v)
	case int32:
		return int64(v)
	case uint32:
		return int64(v)
	case int64:
		return v
	case uint64:
		return v
	case []string:
		return list(slices.Sorted(slices.Values(v)))
	}
	return strings.ToValidUTF8(maskValue("", fmt.Sprint(v)), "�")
}

// commands writes each command as its path and arguments.
func commands(cmds [][]any) string {
	var out []string
	for _, c := range cmds {
		var path string
		var args []string
		if len(c) > 0 {
			path, _ = c[0].(string)
		}
		if len(c) > 1 {
			args, _ = c[1].([]string)
		}
		out = append(out, "["+path+" "+list(maskArgs(args))+"]")
	}
	return list(out)
}

func list(words []string) string {
	return strings.ToValidUTF8("["+strings.Join(words, " ")+"]", "�")
}
