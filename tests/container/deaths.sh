# Sourced by run: what dies, and what the count makes of it.

# As many requests as that, ten at a time, each answer in a file.
load() {  # REQUESTS
  local answers
  mkdir -p "$scratch/answers"
  answers=$(mktemp -d -p "$scratch/answers")
  inside timeout 60 curl -s -Z --parallel-immediate --parallel-max 10 -o "$answers/#1" "$url/[1-$1]" 2>/dev/null || true
}
numbers() { find "$scratch/answers" -type f -exec grep -hoE '^[0-9]+ visits so far$' {} + || true; }

check_killed_holders() {
  local kills=5 requests=0 before after answered catcher
  before=$(count)
  nsenter -t "$pid" -i "$here/catch_holder" $kills >"$scratch/caught" 2>&1 &
  catcher=$!
  check "The semaphore can be taken from outside" eventually grep -q taken "$scratch/caught"
  while kill -0 $catcher 2>/dev/null; do
    load 2500
    requests=$((requests + 2500))
  done
  check "Workers are killed while they hold it and others wait, and those take it then" wait $catcher
  note "$(grep -v taken "$scratch/caught" | tr '\n' ';')"
  after=$(count)
  numbers >"$scratch/numbers"
  answered=$(wc -l <"$scratch/numbers")
  note "$((requests - answered)) of $requests requests have died with them, $((after - before - 1 - answered)) of those were counted"
  check "Each visit that was answered has a number of its own" [ -z "$(sort "$scratch/numbers" | uniq -d)" ]
  check "None that was answered is lost" [ $((after - before - 1)) -ge "$answered" ]
  check "None is counted twice" [ $((after - before - 1)) -le $requests ]
  check "The others go on counting: no more died than were at hand" [ $((requests - answered)) -le $((20 * kills)) ]
  rm -r "$scratch/answers"
}

check_killed_front() {
  local before first
  before=$(count)
  first=$(front)
  kill -KILL "$first"
  is_back() { has_front_after "$first" && is_up; }
  check "nginx that is killed comes back in place" eventually is_back
  check "The count has survived that" [ "$(count)" = $((before + 1)) ]
}

check_reload() {
  local before nginx loads requests=3000
  before=$(count)
  nginx=$(front)
  load $requests &
  loads=$!
  sleep 0.1
  tell_container HUP
  tell_container USR1
  wait $loads
  is_reloaded() { [ "$(logs | grep -c '"ready to handle connections"')" = 2 ]; }
  check "HUP under load reloads the pool" eventually is_reloaded
  check "In the same process 1, with the same nginx" [ "$(comm "$pid")$(front)" = "visitsd$nginx" ]
  check "And loses no visit" [ "$(count)" = $((before + requests + 1)) ]
  check "Each was answered" [ "$(numbers | sort -u | wc -l)" = $requests ]
  rm -r "$scratch/answers"
}

# A process without parents becomes a child of process 1.
check_zombies() {
  local orphan
  "${podman[@]}" exec "$name" sh -c 'sleep 100 >/dev/null 2>&1 &'
  orphan=$(named sleep)
  check "Who has lost their parent is process 1's" [ -n "$orphan" ]
  kill -KILL $orphan
  is_gone() { [ ! -e "/proc/$orphan" ]; }
  check "And is buried by it" eventually is_gone
  check "There are no zombies" [ -z "$(zombies)" ]
}

check_six_kills() {
  local last before
  up || true
  before=$(now)
  is_next() { [ ! -e "/proc/$pid" ] || has_front_after "$last"; }
  for kills in 1 2 3 4 5 6; do
    last=$(front)
    check "nginx is there to be killed for time $kills" [ -n "$last" ]
    kill -KILL "$last"
    eventually is_next || break
  done
  wait_for_end || true
  check "nginx that is killed six times in a minute ends it" [ "$(exit_code)" = 70 ]
  note "after $(($(now) - before)) ms"
  check_log
}
