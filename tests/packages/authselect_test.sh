#!/bin/sh
# SPDX-License-Identifier: MIT
# Tests sesslimit-authselect with the fake authselect and the fake systemctl in the directory fakes.
# usage: authselect_test.sh packaging/rpm/sesslimit-authselect
set -eu

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
custom=$work/etc/authselect/custom/sesslimit
pam=$work/etc/pam.d
arguments=$work/etc/sesslimit/pam-arguments
mkdir -p "$work/bin" "$work/units" "$work/etc/sesslimit" "$pam" "$work/etc/authselect/custom" "$work/vendor/sssd"
sed "s|/etc/|$work/etc/|g" "$1" >"$work/tool"

cp "$(dirname "$0")/fakes/authselect" "$(dirname "$0")/fakes/systemctl" "$work/bin"

stack='session     optional                                     pam_keyinit.so revoke
session     optional                                     pam_ecryptfs.so unwrap               {include if "with-ecryptfs"}
-session    optional                                     pam_systemd.so
session     required                                     pam_unix.so'
cd "$work/vendor/sssd"
printf '%s\n' 'auth        required                                     pam_env.so' "$stack" >system-auth
printf '%s\n' "$stack" >password-auth
printf '%s\n' '{continue if "with-smartcard"}' "$stack" >smartcard-auth
printf 'session     optional                                     pam_umask.so silent\n' >postlogin

with_fakes() {
    env WORK="$work" PATH="$work/bin:$PATH" "$@"
}

# Runs the tool. Its output and exit status are in $output and $status.
tool() {
    status=0
    output=$(with_fakes sh "$work/tool" "$@" 2>&1) || status=$?
}

# Selects the profile sssd with features on a host without sesslimit.
host() {
    rm -rf "$work/units" "$work/etc/authselect" "$pam" "$work/order" "$arguments"
    mkdir -p "$work/units" "$work/etc/authselect/custom" "$pam"
    with_fakes authselect select sssd --quiet "$@"
    snapshot >"$work/before"
}

snapshot() {
    for file in "$work/etc/authselect" "$pam" "$work/units"; do find "$file" ! -type d | sort; done
    cat "$pam"/*
    with_fakes authselect current --raw
}

is() {
    if [ "$1" != "$2" ]; then
        printf 'actual:   %s\nexpected: %s\n' "$1" "$2" >&2
        exit 1
    fi
}

# Checks that the tool succeeded without output.
succeeded() {
    is "$status: $output" '0: '
}

# Checks that the tool failed with a message, and that the host is as it was before.
failed() {
    case "$status: $output" in
        "1: "*"$1"*) ;;
        *) is "$status: $output" "1: $1" ;;
    esac
    snapshot | diff "$work/before" - || exit 1
}

modules() {
    sed '1d; s/.*[ \t]\(pam_[a-z]*\)\.so.*/\1/' "$pam/$1" | paste -s -d ' '
}

# All four stacks. The line comes before the modules that unlock the home directory.
host with-mkhomedir with-smartcard with-ecryptfs
tool enable
succeeded
is "$(with_fakes authselect current --raw)" 'custom/sesslimit with-mkhomedir with-smartcard with-ecryptfs'
is "$(modules system-auth)" 'pam_env pam_keyinit pam_sesslimit pam_ecryptfs pam_systemd pam_unix'
is "$(modules password-auth)" 'pam_keyinit pam_sesslimit pam_ecryptfs pam_systemd pam_unix'
is "$(modules smartcard-auth)" 'pam_keyinit pam_sesslimit pam_ecryptfs pam_systemd pam_unix'
is "$(modules fingerprint-auth)" ''
grep -qE '^session +\[success=ok .* module_unknown=ignore default=die\] pam_sesslimit\.so$' "$pam/password-auth"
is "$(readlink "$custom/postlogin")" "$work/vendor/sssd/postlogin"
is "$(paste -s -d , "$work/order")" 'start ,start ,enable after PAM,enable after PAM'

# A second time: the daemon is started again, and the stacks do not change.
rm -f "$work/units"/*
tool enable
succeeded
is "$(modules password-auth)" 'pam_keyinit pam_sesslimit pam_ecryptfs pam_systemd pam_unix'
is "$(find "$work/units" -type f | wc -l)" 4

# The arguments of the module are kept for the next "enable".
sed -i 's/pam_sesslimit\.so/& on_error=deny timeout=10s/' "$custom/password-auth"
with_fakes authselect select custom/sesslimit with-smartcard --quiet # as apply-changes
tool disable
succeeded
is "$(with_fakes authselect current --raw)" 'sssd with-smartcard'
is "$(ls "$work/etc/authselect/custom")" ''
is "$(cat "$pam"/*-auth | grep -c pam_sesslimit)" 0
tool disable # a second time: no change
succeeded
tool enable
succeeded
is "$(grep -c 'pam_sesslimit\.so on_error=deny timeout=10s$' "$pam/password-auth")" 1
is "$(grep -c 'pam_sesslimit\.so$' "$pam/system-auth")" 1

# A profile that was created from custom/sesslimit has the line already.
with_fakes authselect create-profile mine --base-on custom/sesslimit >/dev/null
with_fakes authselect select custom/mine with-smartcard --quiet
tool enable
succeeded
is "$(modules smartcard-auth)" 'pam_keyinit pam_sesslimit pam_systemd pam_unix'

# After "authselect opt-out" the line is removed from the copies of the stacks. Other lines with the module, such as one
# that the administrator has changed, are named.
host with-smartcard
tool enable
with_fakes authselect opt-out
sed -i 's/pam_sesslimit\.so/& quiet/' "$pam/system-auth"
chmod 640 "$pam/system-auth"
cat "$pam"/* >"$work/before"
# shellcheck disable=SC2016 # the fake expands $1
printf '#!/bin/sh\ncase $1 in -vF) exit 2 ;; *) exec %s "$@" ;; esac\n' "$(command -v grep)" >"$work/bin/grep"
chmod +x "$work/bin/grep"
tool disable # with a full disk
is "$status $(cat "$pam"/* | diff - "$work/before")$(find "$pam" -name '*new')" '1 '
rm "$work/bin/grep"
tool disable
succeeded
is "$(modules system-auth)" 'pam_env pam_keyinit pam_systemd pam_unix'
is "$(stat -c %a "$pam/system-auth")" 640
is "$(find "$work/etc/authselect/custom" "$pam" ! -name '*-auth' -printf '%f ')" 'custom pam.d postlogin '
is "$(cat "$arguments")" 'system-auth quiet'
printf 'session required pam_sesslimit.so\n' | tee "$pam/vsftpd" >"$pam/vsftpd.rpmsave"
ln -s missing "$pam/dangling"
tool disable
is "$status: $output" "1: sesslimit-authselect: pam_sesslimit.so is still in these files, delete its lines: $pam/vsftpd"

# A host that authselect does not manage.
rm "$work/units"/*
tool enable
is "$status: ${output%;*}" '1: sesslimit-authselect: authselect does not manage the PAM files of this host'
is "$(find "$work/units" "$work/etc/authselect/custom" -type f)" ''

# Files that were changed without authselect, before "enable" and after it.
host
echo '# changed' >>"$work/etc/authselect/system-auth"
snapshot >"$work/before"
tool enable
failed 'the PAM files were changed without authselect'
host
tool enable
echo '# changed' >>"$work/etc/authselect/system-auth"
snapshot >"$work/before"
tool disable
failed 'run: authselect select sssd --force'
case $output in *"is still in these files, delete its lines: $pam/password-auth $pam/system-auth") ;; *) is "$output" '' ;; esac

sed -i --follow-symlinks /pam_sesslimit/d "$pam/system-auth"
snapshot >"$work/before"
tool enable
failed "$pam/system-auth does not contain pam_sesslimit.so"

# The profile from which custom/sesslimit was created has been deleted, or is not known.
host
tool enable
mv "$work/vendor/sssd" "$work/vendor/gone"
snapshot >"$work/before"
tool disable
failed 'the profile sssd does not exist; select another profile with authselect select'
mv "$work/vendor/gone" "$work/vendor/sssd"
rm "$custom/made-of"
snapshot >"$work/before"
tool disable
failed "$custom/made-of is missing; select another profile with authselect select"
case $output in *"is still in these files, delete its lines: $pam/password-auth $pam/system-auth") ;; *) is "$output" '' ;; esac

# A stack without pam_systemd, a masked daemon, and an authselect that fails after some of its files or after all.
host with-smartcard
cp password-auth "$work/password-auth"
grep -v pam_systemd "$work/password-auth" >password-auth
with_fakes authselect select sssd with-smartcard --quiet
snapshot >"$work/before"
tool enable
failed 'password-auth of the profile sssd has no session line of pam_systemd'
cp "$work/password-auth" .
host with-smartcard
touch "$work/masked"
tool enable
failed 'failed to enable the daemon'
rm "$work/masked"
for fault in half late; do
    host with-smartcard
    echo "$fault" >"$work/fault"
    tool enable
    failed 'authselect failed to select custom/sesslimit'
    tool enable
    succeeded
    snapshot >"$work/before"
    echo "$fault" >"$work/fault"
    tool disable
    failed 'authselect failed to select sssd'
done

# authselect fails twice: the previous profile is named, and its files are not deleted.
host with-smartcard
printf 'half\nhalf\n' >"$work/fault"
tool enable
is "$status: ${output##*; }" '1: run: authselect select sssd with-smartcard --force'
is "$(cat "$custom/made-of")" sssd

# Another program changes a file at the same time, and the tool is terminated.
host with-smartcard
echo changed >"$work/fault"
tool enable
is "$status: $(tail -n 1 "$pam/system-auth") $(find "$work/etc/authselect/custom" -mindepth 1)" '1: # changed '
host with-smartcard
echo terminated >"$work/fault"
tool enable
is "$status: $output" '143: '
snapshot | diff "$work/before" -
