package drift

import (
	"slices"
	"strings"
)

// volatilePatterns match what is different at every reading of the same,
// untouched host: counters, process ids, times.
var volatilePatterns = []string{
	"OS.sysctl./proc/sys/fs/aio-nr",
	"OS.sysctl./proc/sys/fs/dentry-state",
	"OS.sysctl./proc/sys/fs/file-nr",
	"OS.sysctl./proc/sys/fs/inode-nr",
	"OS.sysctl./proc/sys/fs/inode-state",
	"OS.sysctl./proc/sys/fs/quota/*",
	"OS.sysctl./proc/sys/kernel/hostname", // in a Pod, the Pod's
	"OS.sysctl./proc/sys/kernel/ns_last_pid",
	"OS.sysctl./proc/sys/kernel/pty/nr",
	"OS.sysctl./proc/sys/kernel/random/boot_id",
	"OS.sysctl./proc/sys/kernel/random/entropy_avail",
	"OS.sysctl./proc/sys/kernel/sched_domain/*",
	"OS.sysctl./proc/sys/kernel/spl/*",
	"SystemD.*CPUUsageNSec",
	"SystemD.*CurrentUsage",
	"SystemD.*IOReadBytes",
	"SystemD.*IOReadOperations",
	"SystemD.*IOWriteBytes",
	"SystemD.*IOWriteOperations",
	"SystemD.*IPEgressBytes",
	"SystemD.*IPEgressPackets",
	"SystemD.*IPIngressBytes",
	"SystemD.*IPIngressPackets",
	"SystemD.*.ControlGroupId",
	"SystemD.*.ControlPID",
	"SystemD.*.ExecMainPID",
	"SystemD.*.InvocationID",
	"SystemD.*.MainPID",
	"SystemD.*.MemoryAvailable",
	"SystemD.*.MemoryCurrent",
	"SystemD.*.MemoryPeak",
	"SystemD.*.MemorySwapCurrent",
	"SystemD.*.MemorySwapPeak",
	"SystemD.*.MemoryZSwapCurrent",
	"SystemD.*.TasksCurrent",
	"SystemD.*Timestamp",
	"SystemD.*TimestampMonotonic",
}

// Volatile reports whether the value at path, Type.Subtype.Key, is different
// at every reading.
func Volatile(path string) bool {
	return slices.ContainsFunc(volatilePatterns, func(p string) bool { return match(p, path) })
}

// match reports whether text is what pattern says; * stands for any text, also
// dots and slashes.
func match(pattern, text string) bool {
	first, rest, star := strings.Cut(pattern, "*")
	text, ok := strings.CutPrefix(text, first)
	if !ok || !star {
		return ok && text == ""
	}
	parts := strings.Split(rest, "*")
	last := parts[len(parts)-1]
	for _, p := range parts[:len(parts)-1] {
		i := strings.Index(text, p)
		if i < 0 {
			return false
		}
		text = text[i+len(p):]
	}
	return strings.HasSuffix(text, last)
}
