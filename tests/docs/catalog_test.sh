#!/bin/sh
# SPDX-License-Identifier: MIT
# Checks that journalctl accepts the catalog, and lists each entry of the file with its subject.
# usage: catalog_test.sh JOURNALCTL CATALOG
set -eu

root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
mkdir -p "$root/usr/lib/systemd/catalog" "$root/var/lib/systemd/catalog"
cp "$2" "$root/usr/lib/systemd/catalog/"

"$1" --root="$root" --update-catalog
"$1" --root="$root" --no-pager --list-catalog | sort >"$root/listed"
sed -n '/^-- /{ s/^-- //; N; s/\nSubject: / sesslimit: /; p }' "$2" | sort >"$root/written"
[ -s "$root/written" ]
diff "$root/written" "$root/listed"
