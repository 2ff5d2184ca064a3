#!/bin/sh
# SPDX-License-Identifier: MIT
# Tests sesslimit-authselect with a fake authselect that stores its selection in a file.
# usage: authselect_test.sh packaging/rpm/sesslimit-authselect
set -eu

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$work/bin" "$work/etc/authselect/custom" "$work/vendor"
sed "s|/etc/authselect|$work/etc/authselect|" "$1" >"$work/tool"

cat >"$work/bin/authselect" <<'END'
#!/bin/sh
set -eu
case $1 in
    current) cat "$WORK/selected" ;;
    create-profile) # NAME --base-on BASE
        mkdir "$WORK/etc/authselect/custom/$2"
        cp "$WORK/vendor/"* "$WORK/etc/authselect/custom/$2/"
        echo "$4" >"$WORK/base"
        ;;
    select)
        shift
        echo "$*" >"$WORK/selected"
        ;;
    *) exit 9 ;;
esac
END
cat >"$work/bin/systemctl" <<'END'
#!/bin/sh
echo "$*" >"$WORK/systemctl"
END
chmod +x "$work/bin/authselect" "$work/bin/systemctl"

stack='session     optional                                     pam_keyinit.so revoke
-session    optional                                     pam_systemd.so
session     required                                     pam_unix.so'
printf '%s\n' 'auth        required                                     pam_env.so' "$stack" >"$work/vendor/system-auth"
printf '%s\n' "$stack" >"$work/vendor/password-auth"
echo 'sssd with-mkhomedir with-sudo' >"$work/selected"

tool() {
    env WORK="$work" PATH="$work/bin:$PATH" sh "$work/tool" "$@"
}

is() {
    if [ "$1" != "$2" ]; then
        printf 'actual:   %s\nexpected: %s\n' "$1" "$2" >&2
        exit 1
    fi
}

modules() {
    sed 's/.*[ \t]\(pam_[a-z]*\)\.so.*/\1/' "$work/etc/authselect/custom/sesslimit/$1" | tr '\n' ' '
}

tool enable
is "$(cat "$work/selected")" 'custom/sesslimit with-mkhomedir with-sudo'
is "$(cat "$work/base")" sssd
is "$(modules system-auth)" 'pam_env pam_keyinit pam_sesslimit pam_systemd pam_unix '
is "$(modules password-auth)" 'pam_keyinit pam_sesslimit pam_systemd pam_unix '
grep -qE '^session +\[success=ok .* module_unknown=ignore default=die\] pam_sesslimit\.so$' \
    "$work/etc/authselect/custom/sesslimit/password-auth"
is "$(cat "$work/systemctl")" 'enable --now sesslimitd.socket sesslimitd.service'

tool enable # a second time: no change
is "$(modules password-auth)" 'pam_keyinit pam_sesslimit pam_systemd pam_unix '

tool disable
is "$(cat "$work/selected")" 'sssd with-mkhomedir with-sudo'
is "$(ls "$work/etc/authselect/custom")" ''
tool disable # a second time: no change
is "$(cat "$work/selected")" 'sssd with-mkhomedir with-sudo'

# A stack without pam_systemd, and a host without authselect: no change.
grep -v pam_systemd "$work/vendor/password-auth" >"$work/without" && mv "$work/without" "$work/vendor/password-auth"
if tool enable 2>/dev/null; then exit 1; fi
is "$(cat "$work/selected")" 'sssd with-mkhomedir with-sudo'
is "$(ls "$work/etc/authselect/custom")" ''
rm "$work/selected"
if tool enable 2>/dev/null; then exit 1; fi
tool disable
is "$(ls "$work/etc/authselect/custom")" ''
