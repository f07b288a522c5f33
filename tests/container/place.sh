# Sourced by build and run: what they want of the machine (without it they say why, and skip: 77), and the
# place that they share, the storage in their first argument, FOLDER.

skip() { echo "skipped: $*"; exit 77; }
if [ -z "${IN_NAMESPACE:-}" ]; then
  [ "$(id -u)" = 0 ] || skip "not root"
  for program in podman buildah debootstrap git ab curl python3 nsenter; do
    command -v $program >/dev/null || skip "there is no $program"
  done
  unshare --mount --ipc --propagation private true 2>/dev/null || skip "no mount and IPC namespaces here"
  # One mount namespace for all of it: podman finds its mounts again only there. And System V objects of nobody else.
  exec env IN_NAMESPACE=1 unshare --mount --ipc --propagation private "$0" "$@"
fi
umount /sys/fs/cgroup/unified 2>/dev/null || true  # crun takes no hybrid hierarchy

mkdir -p "$1"
folder=$(readlink -f "$1")
scratch=$(mktemp -d)
rm -f "$folder/storage/libpod/bolt_state.db"  # of a run before: it names another scratch
store=(--root "$folder/storage" --runroot "$scratch/run" --storage-driver overlay)
podman=(podman "${store[@]}" --cgroup-manager cgroupfs --events-backend file)
base=localhost/base/debian:bookworm-slim
image=localhost/visits:test

leave() {
  umount "$folder/storage/overlay" 2>/dev/null || true
  rm -rf "$scratch"
}
trap leave EXIT

begun=${EPOCHREALTIME/./}
tell() {  # after how long, and what
  local tenths=$(((${EPOCHREALTIME/./} - begun) / 100000))
  printf '%4d.%d s  %s\n' $((tenths / 10)) $((tenths % 10)) "$*"
}
