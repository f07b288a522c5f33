# Sourced by run: the words that its checks are made of.

name=visits-$$
url=http://127.0.0.1:8080

check() {  # SENTENCE COMMAND...
  local sentence=$1
  shift
  if "$@"; then tell "ok      $sentence"; else tell "FAILED  $sentence" | tee -a "$scratch/failures"; fi
}
note() { tell "        $*"; }
now() { date +%s%3N; }
eventually() {  # COMMAND...: true within 20 s
  local end=$((SECONDS + 20))
  until "$@"; do
    [ $SECONDS -lt $end ] || return 1
    sleep 0.02
  done
}

# A container of its own network, hardened as far as it goes, that waits to be started; OPTIONS are podman's.
prepare() {
  "${podman[@]}" rm -f -t 0 "$name" >/dev/null 2>&1 || true
  "${podman[@]}" create --name "$name" --network=none --read-only --tmpfs /tmp:rw,size=64m,mode=1777 \
    --cap-drop=ALL --security-opt=no-new-privileges --ulimit nofile=16384:16384 --ulimit nproc=8192:8192 \
    "${@---cgroups=disabled}" "$image" >/dev/null
  "${podman[@]}" init "$name" >/dev/null
  pid=$("${podman[@]}" inspect "$name" --format '{{.State.Pid}}')
}
go() { "${podman[@]}" start "$name" >/dev/null; }
up() {  # OPTIONS: started, and serves; how long that took is a line of $scratch/starts
  prepare "$@"
  (eventually is_up && now >"$scratch/$name.served") &
  local waits=$! since
  go
  wait $waits || return 1
  since=$(date -d "$("${podman[@]}" inspect "$name" --format '{{.State.StartedAt}}' | sed 's/ UTC$//')" +%s%3N)
  echo $(($(cat "$scratch/$name.served") - since)) >>"$scratch/starts"
}
tell_container() { "${podman[@]}" kill -s "$1" "$name" >/dev/null; }
wait_for_end() { timeout 30 "${podman[@]}" wait "$name" >/dev/null; }
exit_code() { "${podman[@]}" inspect "$name" --format '{{.State.ExitCode}}'; }
logs() { "${podman[@]}" logs "$name" 2>&1; }

inside() { nsenter -t "$pid" -n "$@"; }  # its network
get() { inside curl -s --max-time 10 "$@"; }
status() { get -o /dev/null -w '%{http_code}' "$@"; }
is_up() { [ "$(status $url/readyz)" = 200 ]; }
raw() { inside timeout 10 bash -c 'exec 3<>/dev/tcp/127.0.0.1/8080 && cat >&3 && cat <&3' >/dev/null || true; }  # of stdin's bytes
count() { get $url/ | grep -o '^[0-9]*'; }

children() { ps -o pid= --ppid "$pid" || true; }
named() { ps -o pid=,comm= --ppid "$pid" | awk -v "name=$1" '$2 == name {print $1}'; }
workers() { named visitsd; }
front() { ps -o pid=,sid=,comm=,stat= --ppid "$pid" | awk '$1 == $2 && $3 == "nginx" && $4 !~ /^Z/ {print $1}'; }
has_front_after() { local now; now=$(front) && [ -n "$now" ] && [ "$now" != "$1" ]; }  # PID
comm() { cat "/proc/$1/comm" 2>/dev/null || true; }
zombies() { ps -eo stat=,pidns= | awk -v "ns=$(stat -L -c %i "/proc/$pid/ns/pid")" '$2 == ns && $1 ~ /^Z/'; }

# Of everything that the container has written: JSON, one object a line, written at once (PIPE_BUF), to stderr.
check_log() {
  check "Every line of its log is a JSON object with a severity, of 4096 bytes at most" is_json
  check "All of it is on stderr" [ -z "$("${podman[@]}" logs "$name" 2>/dev/null)" ]
}
is_json() {
  logs | python3 -c 'import json, sys
lines = sys.stdin.buffer.readlines()
for line in lines:
    try: assert json.loads(line.decode())["severity"] and len(line) <= 4096
    except Exception as error: sys.exit(f"{error!r}: {line!r}")
if not lines: sys.exit("no log")'
}
