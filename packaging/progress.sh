# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# Sourced by the scripts that build and test. Prints their progress for a terminal and for a log, with the time since
# the start of the first script.
export SESSLIMIT_BEGAN=${SESSLIMIT_BEGAN:-$(date +%s)}

# Prints a line that names the step which begins.
step() {
    printf '[%4d s] %s\n' $(($(date +%s) - SESSLIMIT_BEGAN)) "$*" >&2
}

# Prints the last line of a log every 10 s if it is a new one, and the time otherwise. Ends together with this shell.
follow() {
    local log=$1 last='' line pause=0
    while kill -0 $$ 2>/dev/null; do
        sleep 1
        if ((++pause % 10 != 0)); then continue; fi
        line=$(tail -n 1 "$log" | tr '\r' '\n' | tail -n 1 | cut -c1-110)
        if [ "$line" = "$last" ]; then line=...; else last=$line; fi
        step "    ${line:-...}"
    done
}

# Runs a command and writes its output to a log. Prints the last line of the log every 10 s.
# usage: logged LOG COMMAND...
logged() {
    local log=$1 follower result=0
    shift
    : >"$log"
    follow "$log" &
    follower=$!
    "$@" >"$log" 2>&1 || result=$?
    kill "$follower"
    wait "$follower" 2>/dev/null || true
    return $result
}

# Runs a command. Prints its progress every 10 s, and its output only if it fails.
quiet() {
    local log result=0
    log=$(mktemp)
    logged "$log" "$@" || result=$?
    if [ $result -ne 0 ]; then cat "$log" >&2; fi
    rm "$log"
    return $result
}

# Copies the output of a build. Copies only one of ninja's status lines in 10 s, and the last one.
sparse() {
    local line next=0
    while IFS= read -r line; do
        if [[ $line =~ ^\[([0-9]+)/([0-9]+)\] ]]; then
            if ((SECONDS < next && BASH_REMATCH[1] < BASH_REMATCH[2])); then continue; fi
            next=$((SECONDS + 10))
            line="[$(printf '%4d' $(($(date +%s) - SESSLIMIT_BEGAN))) s]     $line"
        fi
        printf '%s\n' "$line"
    done
}

# Configures and builds a preset. On a terminal, ninja shows its own status line.
# usage: build_preset PRESET [ARGUMENT OF cmake --build]...
build_preset() {
    step "building the preset $1"
    cmake --preset "$1" >/dev/null
    if [ -t 1 ]; then
        cmake --build --preset "$@"
    else
        cmake --build --preset "$@" | sparse
    fi
}
