#!/bin/bash
# A real systemd for tests: systemd.sh DIR [UNIT [PATH[:AS]]...]
#
# Runs this machine's systemd as PID 1 of namespaces of its own (processes,
# mounts, network, host name, IPC, cgroups) over a throw-away copy of the root,
# until it gets SIGTERM. Unit files are taken from DIR/units. Its system bus is
# at DIR/run/dbus/system_bus_socket; it is up when that answers. Its log is the
# output. NETNS names a network namespace to be in instead of a new one. PATHs
# are the machine's own, writable, and stand at AS. Needs root.
set -euo pipefail

# hierarchies prints FOLDER:OPTIONS:GROUP of every cgroup hierarchy that is
# mounted at /sys/fs/cgroup, and the group we are in. Version 2 has no options.
hierarchies() {
  local controllers path name
  while IFS=: read -r _ controllers path; do
    name=${controllers#name=}
    case $controllers in
    "") path=/ && if [ ! -e /sys/fs/cgroup/cgroup.controllers ]; then name=unified; fi ;;
    name=*) controllers=none,$controllers ;;
    esac
    [ -d "/sys/fs/cgroup/$name$path" ] || path=/
    if [ -e "/sys/fs/cgroup/$name/cgroup.procs" ]; then echo "$name:$controllers:$path"; fi
  done </proc/self/cgroup
}

inside() { # PID 1 of the new namespaces, before systemd takes its place
  local dir=$1 unit=$2 root=$1/overlay/root n at name options
  shift 2
  mount --make-rprivate /
  mount -t tmpfs -o size=512m tmpfs "$dir/overlay"
  mkdir "$dir"/overlay/{upper,work,root}
  mount -t overlay overlay -o "lowerdir=/,upperdir=$dir/overlay/upper,workdir=$dir/overlay/work" "$root"
  mount -t proc proc "$root/proc"
  mount --bind "$root/proc/sys" "$root/proc/sys"
  mount --bind "$root/proc/sys/net" "$root/proc/sys/net" # those are the network namespace's
  mount -o remount,ro,bind "$root/proc/sys"              # the machine's stay as they are
  mount -t sysfs sysfs "$root/sys"
  at=$root/sys/fs/cgroup
  [ -e /sys/fs/cgroup/cgroup.controllers ] || mount -t tmpfs -o mode=755 tmpfs "$at"
  hierarchies | while IFS=: read -r name options _; do
    mkdir -p "$at/$name"
    if [ -z "$options" ]; then mount -t cgroup2 cgroup2 "$at/$name"; else mount -t cgroup -o "$options" cgroup "$at/$name"; fi
  done
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
  for n; do
    at=$root${n#*:}
    n=${n%%:*}
    if [ -d "$n" ]; then mkdir -p "$at"; elif [ ! -e "$at" ]; then touch "$at"; fi
    mount --bind "$n" "$at"
  done
  cd "$root"
  mkdir -p .old
  pivot_root . .old
  umount -l /.old
  mount --make-rshared / # as a booted machine has it, and container runtimes need it
  exec env -i container=eidos PATH=/usr/sbin:/usr/bin:/sbin:/bin \
    /lib/systemd/systemd --unit="$unit" --log-target=console --show-status=false
}

if [ "${1:-}" = --inside ]; then
  shift
  inside "$@"
fi

dir=$(realpath "${1:?systemd.sh DIR [UNIT [PATH[:AS]]...]}")
unit=${2:-basic.target}
shift $(($# < 2 ? $# : 2))
mkdir -p "$dir/run" "$dir/overlay" "$dir/units"
# A group of its own in every hierarchy becomes the root of the new cgroup
# namespace.
groups=()
while IFS=: read -r name _ path; do
  h=/sys/fs/cgroup/$name$path
  g=${h%/}/eidos-$$
  groups+=("$g")
  mkdir "$g"
  for f in cpuset.cpus cpuset.mems; do
    if [ -e "$h/$f" ]; then cat "$h/$f" >"$g/$f"; fi
  done
done < <(hierarchies)
child=
cleanup() {
  local g
  [ -z "$child" ] || kill -9 "$child" 2>/dev/null || true
  for g in "${groups[@]}"; do
    for _ in $(seq 50); do # processes leave their cgroup a moment after they end
      find "$g" -depth -type d -exec rmdir {} + 2>/dev/null && break
      sleep 0.1
    done
  done
}
trap cleanup EXIT
trap 'exit 0' TERM INT
net=(--net)
if [ -n "${NETNS:-}" ]; then net=() && enter=(nsenter "--net=$NETNS"); fi
(
  for g in "${groups[@]}"; do echo "$BASHPID" >"$g/cgroup.procs"; done
  exec ${enter+"${enter[@]}"} unshare --fork --kill-child --pid --mount --uts --ipc "${net[@]}" --cgroup "$(realpath "$0")" --inside "$dir" "$unit" "$@"
) </dev/null &
child=$!
wait "$child"
