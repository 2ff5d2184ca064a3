# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2034
# Sourced by tests/run and tests/demo. Defines the Debian packages that the tests need, and installs them.

build_needs=(g++ cmake ninja-build pkg-config libcmocka-dev libpam0g-dev libsystemd-dev libboost-dev libtoml11-dev nettle-dev
             nlohmann-json3-dev libcli11-dev zlib1g-dev dbus-daemon systemd-journal-remote)
lint_needs=("${build_needs[@]}" clang-format-19 clang-tidy-19 shellcheck pyflakes3 mandoc)
valgrind_needs=("${build_needs[@]}" valgrind)
fuzz_needs=("${build_needs[@]}" clang-19 libclang-rt-19-dev)
demo_needs=("${build_needs[@]}" dpkg-dev debhelper mmdebstrap systemd-container)
rpm_needs=("${build_needs[@]}" rpm rpmlint selinux-policy-dev bzip2)
suite_needs=(mmdebstrap iproute2)
lab_needs=("${demo_needs[@]}" "${suite_needs[@]}" python3-jsonschema python3-pytest python3-pytest-xdist)
packages_needs=("${lab_needs[@]}" lintian binutils git)
bench_needs=("${demo_needs[@]}" dbus-daemon libbenchmark-dev)

# The interpreter that has the packages above. PATH may list another one first.
python=/usr/bin/python3

# Installs the packages in the arguments that are missing.
need() {
    local missing=() package
    for package in "$@"; do
        if [ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" != installed ]; then
            missing+=("$package")
        fi
    done
    if [ ${#missing[@]} -eq 0 ]; then return; fi
    printf 'installing %s\n' "${missing[*]}"
    apt-get -qq update
    DEBIAN_FRONTEND=noninteractive apt-get -qq -y install --no-install-recommends "${missing[@]}" >/dev/null
}
