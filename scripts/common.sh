# Shared by the scripts: where things are, quiet steps with a log, one line and a mend when something fails.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cache=${WEIR_CACHE:-$HOME/.cache/weir}
logs=$root/build/logs
mkdir -p "$logs" "$cache"
started=$SECONDS

# Node 20.19 or newer, and npm: the machine's own, or npm's `node` package in the cache (scripts/install puts it there).
if [ -x "$cache/node/node_modules/.bin/node" ]; then
  export PATH="$cache/node/node_modules/.bin:$PATH"
fi

say() { printf '%s\n' "$*"; }

fail() {  # what failed, and the mend
  printf 'FAILED: %s\n  mend: %s\n' "$1" "$2" >&2
  exit 1
}

# step NAME MEND COMMAND…: runs quietly, prints one line with the time it took; on failure the end of its log and the mend.
step() {
  local name=$1 mend=$2 log begin=$SECONDS
  shift 2
  log=$logs/$(printf '%s' "$name" | tr -c 'a-zA-Z0-9' '-').log
  printf '%-44s' "$name"
  if "$@" >"$log" 2>&1 </dev/null; then
    printf 'ok  %4ds\n' $((SECONDS - begin))
  else
    printf 'failed after %ds\n' $((SECONDS - begin))
    tail -n 30 "$log" | sed 's/^/  | /'
    fail "$name (whole log: ${log#"$root"/})" "$mend"
  fi
}

# build PRESET [TARGET…]: configures once and builds with progress and time left.
build() {
  local preset=$1 begin=$SECONDS
  shift
  if [ ! -f "$root/build/$preset/build.ninja" ]; then
    step "configure ($preset)" "read the log; a missing package is installed by scripts/install" cmake -S "$root" --preset "$preset"
  fi
  printf '%-44s' "build ($preset)"
  local log=$logs/build-$preset.log
  if [ -t 1 ]; then
    printf '\n'
    if ! (cd "$root" && NINJA_STATUS='[%f/%t, %es] ' ninja -C "build/$preset" "$@" 2>&1 | tee "$log" |
          awk '{ if (match($0, /^\[[0-9]+\/[0-9]+, [0-9.]+s\]/)) {
                   split(substr($0, 2, RLENGTH - 2), p, /[\/, s]+/); left = p[1] > 0 ? p[3] * (p[2] - p[1]) / p[1] : 0
                   printf "\r  %d of %d files, about %d s left   ", p[1], p[2], left; fflush() } }
               END { printf "\r" }'; exit "${PIPESTATUS[0]}"); then
      grep -E 'error|FAILED' "$log" | head -20 | sed 's/^/  | /'
      fail "build ($preset)" "whole log: ${log#"$root"/}"
    fi
    printf '%-44sok  %4ds\n' "build ($preset)" $((SECONDS - begin))
  elif ninja -C "$root/build/$preset" "$@" >"$log" 2>&1 </dev/null; then
    printf 'ok  %4ds\n' $((SECONDS - begin))
  else
    printf 'failed\n'
    grep -E 'error|FAILED' "$log" | head -20 | sed 's/^/  | /'
    fail "build ($preset)" "whole log: ${log#"$root"/}"
  fi
}
