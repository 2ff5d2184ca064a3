#!/bin/sh
# SPDX-License-Identifier: MIT
# Checks a limit of sesslimit for oscap(8), which runs this script as described in its Script Check Engine. oscap passes
# the limit and the exit status of each result in the environment. The output is the evidence.
PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
export PATH LC_ALL=C

if [ -n "${XCCDF_VALUE_MAX_SESSIONS-}" ]; then
    limit=max_sessions=$XCCDF_VALUE_MAX_SESSIONS
elif [ -n "${XCCDF_VALUE_IDLE_TIMEOUT-}" ]; then
    limit=idle_timeout=$XCCDF_VALUE_IDLE_TIMEOUT
else
    echo 'No limit is given.'
    exit "${XCCDF_RESULT_ERROR:-103}"
fi

sesslimitctl audit --json=pretty --require "$limit" 2>&1
case $? in
    0) exit "${XCCDF_RESULT_PASS:-101}" ;;
    1) exit "${XCCDF_RESULT_FAIL:-102}" ;;
    *) exit "${XCCDF_RESULT_ERROR:-103}" ;;
esac
