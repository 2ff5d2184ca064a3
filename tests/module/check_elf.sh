#!/bin/sh
# SPDX-License-Identifier: MIT
# Checks that the PAM module needs only libpam and libc, and exports only its two entry points.
set -eu
module=$1
failed=0

same() { # description, actual, expected
    if [ "$2" != "$3" ]; then
        printf '%s\nactual:\n%s\nexpected:\n%s\n' "$1" "$2" "$3"
        failed=1
    fi
}

# The dynamic loader is part of libc (ld-linux-x86-64.so.2, ld-linux-aarch64.so.1).
needed=$(readelf -dW "$module" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p' | grep -v '^ld-linux' | LC_ALL=C sort)
same "libraries needed" "$needed" "$(printf 'libc.so.6\nlibpam.so.0')"

exported=$(readelf --dyn-syms -W "$module" |
    awk '$1 ~ /^[0-9]+:$/ && $7 != "UND" && $5 != "LOCAL" { print $8 }' | LC_ALL=C sort)
same "symbols exported" "$exported" "$(printf 'pam_sm_close_session\npam_sm_open_session')"

allocating=$(readelf -sW "$module" |
    awk '$8 ~ /^_Zn[wa]|^_Zd[la]|^__cxa_(throw|allocate)|^__gxx_personality/ && $8 !~ /^_Zn[wa][jm]Pv$/ { print $8 }')
same "operator new, exceptions" "$allocating" ""

exit $failed
