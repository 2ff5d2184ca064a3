# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2034
# Sourced by tests/run and tests/demo. Defines the Debian packages that the tests need, and installs them. Builds use
# ccache.

# shellcheck source=packaging/progress.sh
. packaging/progress.sh

fleet_build_needs=(libgrpc++-dev libprotobuf-dev protobuf-compiler protobuf-compiler-grpc libssl-dev)
build_needs=(g++ ccache cmake ninja-build lld pkg-config libcmocka-dev libpam0g-dev libsystemd-dev libboost-dev
             libtoml11-dev nettle-dev nlohmann-json3-dev libcli11-dev zlib1g-dev dbus-daemon systemd-journal-remote
             "${fleet_build_needs[@]}")
lint_needs=("${build_needs[@]}" clang-format-19 clang-tidy-19 shellcheck pyflakes3 mandoc)
valgrind_needs=("${build_needs[@]}" valgrind)
fuzz_needs=("${build_needs[@]}" clang-19 libclang-rt-19-dev)
rpm_needs=("${build_needs[@]}" rpm rpmlint selinux-policy-dev bzip2 dnf createrepo-c busybox-static)
suite_needs=(mmdebstrap iproute2)
demo_needs=("${suite_needs[@]}" python3 systemd-container)
lab_needs=("${demo_needs[@]}" python3-jsonschema python3-pytest python3-pytest-xdist)
vm_needs=("${suite_needs[@]}" python3 python3-jsonschema python3-pytest openssh-client qemu-system-x86 qemu-utils seabios
          e2fsprogs openssl)
fleet_needs=("${build_needs[@]}" "${lab_needs[@]}" etcd-server etcd-client openssl)
bench_fleet_needs=("${fleet_needs[@]}" libbenchmark-dev)
page_needs=("${lab_needs[@]}" chromium openssl systemd-journal-remote)
packages_needs=("${lab_needs[@]}" lintian binutils git)
bench_needs=("${build_needs[@]}" "${demo_needs[@]}" dpkg-dev debhelper libbenchmark-dev)

# The interpreter that has the packages above. PATH may list another one first.
python=/usr/bin/python3

# The directory that other runs and clones share. ccache and packaging/in-suite read these variables.
cache=${SESSLIMIT_LAB_CACHE:-/var/cache/sesslimit-lab}
export CCACHE_DIR=${CCACHE_DIR:-$cache/ccache}
export CMAKE_CXX_COMPILER_LAUNCHER=${CMAKE_CXX_COMPILER_LAUNCHER-ccache}
# The results of one clone are valid for clones in other directories, whose files have other times. The last two values
# are needed for precompiled headers. No source file uses __DATE__ or __TIME__.
export CCACHE_BASEDIR=$PWD CCACHE_NOHASHDIR=1
export CCACHE_SLOPPINESS=include_file_mtime,include_file_ctime,pch_defines,time_macros

# Updates the package lists. apt-get fails at once if another process holds their lock, and DPkg::Lock::Timeout has no
# effect on it.
update_package_lists() {
    local pause
    for pause in 5 10 20 40 80; do
        if quiet apt-get update; then return; fi
        step "trying again in $pause s"
        sleep "$pause"
    done
    quiet apt-get update
}

# Installs the packages in the arguments that are missing.
need() {
    local missing=() package
    for package in "$@"; do
        if [ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" != installed ]; then
            missing+=("$package")
        fi
    done
    if [ ${#missing[@]} -eq 0 ]; then return; fi
    step "installing ${missing[*]}"
    update_package_lists
    DEBIAN_FRONTEND=noninteractive quiet apt-get -o DPkg::Lock::Timeout=300 -y install --no-install-recommends "${missing[@]}"
}

# Creates the file tree of the machines of a release if it does not exist yet.
create_base() {
    step "creating the file tree of the machines with Debian $1"
    quiet "$python" tests/lab/lab/base.py "$1"
}
