# Sourced by run: what the container is, and how it answers.

check_image() {
  size_of() { "${podman[@]}" image inspect "$1" --format '{{.Size}}'; }
  label() { "${podman[@]}" image inspect "$image" --format "{{.Config.$1}}"; }
  local own_mb=$((($(size_of "$image") - $(size_of "$base")) / 1000000))
  note "image: $(($(size_of "$image") / 1000000)) MB, $own_mb MB of it on top of its base"
  check "The image adds less than 150 MB to its base" [ "$own_mb" -lt 150 ]
  check "The image runs as somebody without privileges" [ "$(label User)" = www-data ]
  check "The image is stopped with TERM" [ "$(label StopSignal)" = SIGTERM ]
}

check_start() {
  check "The container comes up, read-only, without capabilities or new privileges" up
  sequence=$(logs | grep -oE '"(ready to handle connections"|the front is )' | tr -d '"\n')
  check "The pool is ready before nginx is started" [ "$sequence" = "ready to handle connectionsthe front is " ]
  check "Process 1 is visitsd" [ "$(comm "$pid")" = visitsd ]
  check "Nobody in it is root" [ "$(ps -o uid= -p "$pid" $(children | sed 's/^/-p /') | sort -u | tr -d ' ')" = 33 ]
}

check_paths() {
  local complete
  complete=$(inside ab -q -l -n100 -c10 $url/ | sed -n 's/^Complete requests: *//p')
  check "The tutorial's ab completes a hundred requests" [ "$complete" = 100 ]
  check "They are exactly a hundred visits" [ "$(get $url/)" = "101 visits so far" ]
  check "/healthz is 200" [ "$(status $url/healthz)" = 200 ]
  for page in status ping metrics; do
    check "/$page is there for this machine" [ "$(status $url/$page)" = 200 ]
    check "And not for another address" [ "$(status --interface 127.0.0.2 $url/$page)" = 403 ]
    check "Nor through a proxy" [ "$(status -H 'X-Forwarded-For: 127.0.0.1' $url/$page)" = 403 ]
  done
}

check_limits() {
  local headers=()
  for i in 1 2 3; do headers+=(-H "X-Long-$i: $(head -c 5000 /dev/zero | tr '\0' x)"); done
  check "15 KB of headers pass" [ "$(status "${headers[@]}" $url/)" = 200 ]
  check "15 KB of one header, too" [ "$(status -H "X-Long: $(head -c 15000 /dev/zero | tr '\0' x)" $url/)" = 200 ]
  head -c $((33 * 1024 * 1024)) /dev/zero >"$scratch/body"
  check "33 MB of body are 413" [ "$(status --data-binary "@$scratch/body" $url/)" = 413 ]
  head -c $((31 * 1024 * 1024)) /dev/zero >"$scratch/body"
  check "31 MB are a visit" [ "$(status --data-binary "@$scratch/body" $url/)" = 200 ]
  rm "$scratch/body"
}

check_logging() {
  get -o /dev/null -H 'X-Forwarded-For: 6.6.6.6' "$url/forged"
  check "A forged X-Forwarded-For is ignored" [ "$(logs | grep forged | grep -c '"remoteIp":"127.0.0.1"')" = 1 ]
  printf 'GET /odd"\\\xff?"\\\xff HTTP/1.0\r\nUser-Agent: agent "\\\x01\x7f\xff\r\nReferer: "\\\x01\xff\r\n\r\n' | raw
  printf 'GET /%s HTTP/1.0\r\nUser-Agent: %s\r\nReferer: %s\r\n\r\n' "${quotes:=$(printf '"%.0s' {1..6000})}" "$quotes" "$quotes" | raw
  printf '%s / HTTP/1.0\r\n\r\n' "$(printf 'LONG%.0s' {1..1500})" | raw
  printf 'GET /old\r\n' | raw
  printf 'nonsense\r\n\r\n' | raw
  check "What nginx itself has to say is in the log, and how severe it is" \
    [ "$(logs | grep 'too large body' | grep -c '"severity":"ERROR"')" = 1 ]
}
