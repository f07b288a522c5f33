# Sourced by run: how it ends.

# A request that waits, because every worker is stopped, while TERM comes.
check_stop() {
  local before slow stop took
  before=$(count)
  kill -STOP $(workers)
  inside curl -s --max-time 30 $url/slow >"$scratch/slow" &
  slow=$!
  sleep 0.5
  stop=$(now)
  tell_container TERM
  sleep 1
  kill -CONT $(workers)
  wait $slow || true
  check "TERM lets a slow request complete" [ "$(cat "$scratch/slow")" = "$((before + 1)) visits so far" ]
  check "It ends" wait_for_end
  took=$(($(now) - stop))
  note "stopped $took ms after TERM, 1000 ms of it for the slow request"
  check "It ends in under 25 s" [ "$took" -lt 25000 ]
  check "With exit code 0" [ "$(exit_code)" = 0 ]
  check_log
}

check_endless_request() {
  local stop took
  up -e STOP_TIMEOUT=2s --cgroups=disabled || true
  kill -STOP $(workers)
  inside curl -s --max-time 30 $url/never >/dev/null &
  sleep 0.5
  stop=$(now)
  tell_container TERM
  check "A stop that waits for what never ends is ended by force" wait_for_end
  took=$(($(now) - stop))
  note "after $took ms, of a STOP_TIMEOUT of 2 s"
  check "Soon after its time" [ $took -lt 20000 ]
  check_log
}

# Process 1 reads its configuration, which does not come before TERM.
check_early_stop() {
  mkfifo "$scratch/conf"
  prepare --cgroups=disabled -v "$scratch/conf:/etc/visits.conf:ro"
  exec 7<>"$scratch/conf"
  go 7>&-
  check "TERM is awaited before anything is read" eventually blocks_term
  kill -TERM "$pid"
  cat "$here/../../docker/visits.conf" >&7
  exec 7>&-
  check "TERM during start-up ends it" wait_for_end
  check "With exit code 0" [ "$(exit_code)" = 0 ]
  check "Without an nginx" [ -z "$(logs | grep 'the front is')" ]
  check_log
}
blocks_term() {
  [ "$(comm "$pid")" = visitsd ] && (((0x$(sed -n 's/^SigBlk:\t*//p' "/proc/$pid/status") >> 14) & 1))
}

# nginx/front reads its template, which does not come, while the pool is ready.
check_stop_of_starting_front() {
  mkfifo "$scratch/template"
  prepare --cgroups=disabled -v "$scratch/template:/template:ro" -e TEMPLATE=/template
  go
  is_rendering() { logs | grep -q 'the front is'; }
  eventually is_rendering
  tell_container TERM
  check "TERM while nginx is being started ends it" wait_for_end
  check "Not by force" [ -z "$(logs | grep 'by force')" ]
  check "With exit code 0" [ "$(exit_code)" = 0 ]
  check_log
}

check_little_memory() {
  check "256 MB of memory are enough" up --memory=256m -e GAE_MEMORY_MB=256 -e HOPS=2
  inside ab -q -l -n2000 -c20 $url/ >/dev/null
  check "For two thousand visits" [ "$(count)" = 2001 ]
  local group
  group=/sys/fs/cgroup/memory$(sed -n 's/^[0-9]*:memory://p' "/proc/$pid/cgroup")
  get -o /dev/null -H "X-Forwarded-For: 6.6.6.6, 1.2.3.4, 35.191.0.1, 172.17.0.1" $url/forged
  check "Of an X-Forwarded-For the client's own part is ignored" [ "$(logs | grep forged | grep -c '"remoteIp":"1.2.3.4"')" = 1 ]
  check "It has no more memory than that" [ "$(cat "$group/memory.limit_in_bytes")" = $((256 << 20)) ]
  note "of which $(($(cat "$group/memory.max_usage_in_bytes") / 1000000)) MB were used at most"
  "${podman[@]}" stop -t 25 "$name" >/dev/null
  check "podman stop ends it with exit code 0" [ "$(exit_code)" = 0 ]
  check_log
}
