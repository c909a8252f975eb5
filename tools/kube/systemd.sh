#!/bin/bash
# A real systemd for tests: systemd.sh DIR [UNIT]
#
# Runs this machine's systemd as PID 1 of namespaces of its own (processes,
# mounts, network, host name, IPC, cgroups) over a throw-away copy of the root,
# until it gets SIGTERM. Unit files are taken from DIR/units. Its system bus is
# at DIR/run/dbus/system_bus_socket; it is up when that answers. Its log is the
# output. Needs root.
set -euo pipefail

inside() { # PID 1 of the new namespaces, before systemd takes its place
  local dir=$1 unit=$2 root=$1/overlay/root n
  mount --make-rprivate /
  mount -t tmpfs -o size=512m tmpfs "$dir/overlay"
  mkdir "$dir"/overlay/{upper,work,root}
  mount -t overlay overlay -o "lowerdir=/,upperdir=$dir/overlay/upper,workdir=$dir/overlay/work" "$root"
  mount -t proc proc "$root/proc"
  mount --bind "$root/proc/sys" "$root/proc/sys"
  mount -o remount,ro,bind "$root/proc/sys" # the machine's settings stay as they are
  mount -t sysfs sysfs "$root/sys"
  mount -t cgroup2 cgroup2 "$root/sys/fs/cgroup"
  mount -o remount,ro,bind "$root/sys"
  mount -t tmpfs -o mode=755 tmpfs "$root/dev"
  mkdir "$root/dev/pts" "$root/dev/shm"
  for n in null zero full random urandom tty; do
    touch "$root/dev/$n"
    mount --bind "/dev/$n" "$root/dev/$n"
  done
  mount -t devpts -o newinstance,ptmxmode=0666 devpts "$root/dev/pts"
  ln -s pts/ptmx "$root/dev/ptmx"
  ln -s /proc/self/fd "$root/dev/fd"
  mount -t tmpfs tmpfs "$root/tmp"
  mount --bind "$dir/run" "$root/run"
  # Only the units of the test, not what this machine happens to enable.
  rm -rf "$root"/etc/systemd/system/*.wants "$root/etc/machine-id"
  echo 0123456789abcdef0123456789abcdef >"$root/etc/machine-id"
  mkdir -p "$root/etc/systemd/system"
  cp "$dir"/units/* "$root/etc/systemd/system/" 2>/dev/null || true
  cd "$root"
  mkdir -p .old
  pivot_root . .old
  umount -l /.old
  exec env -i container=eidos PATH=/usr/sbin:/usr/bin:/sbin:/bin \
    /lib/systemd/systemd --unit="$unit" --log-target=console --show-status=false
}

if [ "${1:-}" = --inside ]; then
  inside "$2" "$3"
fi

dir=$(realpath "${1:?systemd.sh DIR [UNIT]}")
mkdir -p "$dir/run" "$dir/overlay" "$dir/units"
# A cgroup of its own becomes the root of the new cgroup namespace.
parent=/sys/fs/cgroup
[ -e $parent/cgroup.controllers ] || parent=$parent/unified
cgroup=$parent/eidos-$$
mkdir "$cgroup"
child=
cleanup() {
  [ -z "$child" ] || kill -9 "$child" 2>/dev/null || true
  for _ in $(seq 50); do # processes leave their cgroup a moment after they end
    find "$cgroup" -depth -type d -exec rmdir {} + 2>/dev/null && break
    sleep 0.1
  done
}
trap cleanup EXIT
trap 'exit 0' TERM INT
(
  echo "$BASHPID" >"$cgroup/cgroup.procs"
  exec unshare --fork --kill-child --pid --mount --uts --ipc --net --cgroup "$(realpath "$0")" --inside "$dir" "${2:-basic.target}"
) </dev/null &
child=$!
wait "$child"
