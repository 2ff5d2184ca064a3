# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# Functions for the scripts that build and test, which source this file. The functions print the progress of the scripts
# with the seconds since the start of the outermost script.
export SESSLIMIT_BEGAN=${SESSLIMIT_BEGAN:-$(date +%s)}

# Prints the name of the step that begins, after the seconds since the start.
step() {
    printf '[%4d s] %s\n' $(($(date +%s) - SESSLIMIT_BEGAN)) "$*" >&2
}

# Prints the last line of a log every 10 s, or "..." if the line was already printed. Exits when the script exits.
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

# Copies the output of a build from standard input to standard output. Only one status line of ninja in 10 s is copied,
# and the last one.
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

# Configures and builds a preset of CMake. If standard output is a terminal, ninja shows its own status line.
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
