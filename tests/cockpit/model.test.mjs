// SPDX-License-Identifier: MIT
import assert from "node:assert/strict";
import test from "node:test";

import {
    DAY, endOf, filtered, historyOf, HostClock, HOUR, isNeverIdle, MINUTE, NEVER, SECOND, sessionInCgroup, sessionOf, shown,
    sorted, spanText, timeOf, withIdleTimes,
} from "../../cockpit/model.js";
import { explanationOf, fieldValue, parseSpan, settingsOfJson, spanFields } from "../../cockpit/settings.js";

const UNLIMITED = 18446744073709551615; // as Cockpit passes it, which is 2^64 as a double

/** Returns a session from D-Bus with these values, each with its type. */
function session(values) {
    return sessionOf(Object.fromEntries(Object.entries(values).map(([key, v]) => [key, { t: "?", v }])));
}

test("the maximum of the D-Bus type t is never", () => {
    assert.equal(timeOf(UNLIMITED), NEVER);
    assert.equal(timeOf(2 ** 63), NEVER);
    assert.equal(timeOf(-1), NEVER); // Cockpit 287
    assert.equal(timeOf(1764547200000000), 1764547200000000);
    assert.equal(timeOf(0), 0);
});

test("a session ends by the earlier limit", () => {
    const never = session({ Id: "1", DurationEndsAt: UNLIMITED, IdleEndsAt: UNLIMITED });
    assert.deepEqual(endOf(never), { at: NEVER, limit: null });
    assert.deepEqual(endOf(session({ DurationEndsAt: 20, IdleEndsAt: 30 })), { at: 20, limit: "duration" });
    assert.deepEqual(endOf(session({ DurationEndsAt: 20, IdleEndsAt: 10 })), { at: 10, limit: "idle" });
    assert.deepEqual(endOf(session({ DurationEndsAt: UNLIMITED, IdleEndsAt: 10 })), { at: 10, limit: "idle" });
});

test("a session of an older daemon has neutral values", () => {
    const old = session({ Id: "7", User: "alice" });
    assert.equal(old.requestedBy, "");
    assert.equal(old.idleEndsAt, NEVER);
    assert.equal(old.preview, null);
    assert.equal(isNeverIdle(old), false);
    assert.equal(isNeverIdle(session({ Service: "cockpit", IdleTimeout: UNLIMITED })), true);
    assert.equal(isNeverIdle(session({ IdleTimeout: 60, ActivitySources: [] })), true);
    assert.equal(isNeverIdle(session({ IdleTimeout: 60, ActivitySources: [], IdleEndsAt: 90 })), false);
    assert.equal(isNeverIdle(session({ IdleTimeout: 60, ActivitySources: ["input"] })), false);
    assert.equal(session({ Mode: "observe" }).observed, true);
    assert.equal(session({ Processes: 3 }).preview?.processes, 3);
});

test("idle times replace those of the session, and an unchanged session stays the same object", () => {
    const before = session({ Id: "1", IdleSince: 5, IdleEndsAt: 10, LastActivity: "input" });
    assert.equal(withIdleTimes(before, ["1", 5, 10, "input"]), before);
    const after = withIdleTimes(before, ["1", 6, UNLIMITED, "input"]);
    assert.deepEqual([after.idleSince, after.idleEndsAt, after.id], [6, NEVER, "1"]);
});

test("time spans have two units and are rounded down", () => {
    const cases = [
        [0, "0s"], [-5 * SECOND, "0s"], [999_999, "0s"], [59.9 * SECOND, "59s"], [MINUTE, "1min"],
        [14 * MINUTE + 20 * SECOND, "14min 20s"], [HOUR - 1, "59min 59s"], [HOUR + 30 * SECOND, "1h"],
        [8 * HOUR + 5 * MINUTE, "8h 5min"], [2 * DAY + 3 * HOUR + 59 * MINUTE, "2d 3h"],
    ];
    for (const [span, text] of cases) {
        assert.equal(spanText(span), text);
    }
});

test("names cannot imitate other names", () => {
    assert.equal(shown("CORP\\alice Ünï"), "CORP\\alice Ünï");
    assert.equal(shown("a\nb\u202Ec\u200Bd\x7f"), "a\\x0ab\\xe2\\x80\\xaec\\xe2\\x80\\x8bd\\x7f");
});

test("the host's clock does not depend on the browser's wall clock", () => {
    const clock = new HostClock(1_000_000, 500);
    assert.equal(clock.now(500), 1_000_000_000);
    clock.set(5_000_000_000, 600, 800); // the host read its clock at 700 ms
    assert.equal(clock.now(700), 5_000_000_000);
    assert.equal(clock.now(1700), 5_001_000_000);
});

test("the filter needs all words, and finds users, addresses and terminals", () => {
    const sessions = [
        session({ Id: "1", User: "alice", Origin: "192.0.2.7", Terminals: ["pts/3"], Service: "sshd" }),
        session({ Id: "2", User: "bob", Service: "login" }),
    ];
    const found = (text) => filtered(sessions, text).map(({ id }) => id).join();
    assert.equal(found(""), "1,2");
    assert.equal(found("ALICE pts/3"), "1");
    assert.equal(found("alice pts/4"), "");
    assert.equal(found("local"), "2");
    assert.equal(found("192.0.2"), "1");
});

test("sorting is stable, and sessions without an end are last", () => {
    const sessions = [
        session({ Id: "1", User: "b", Since: 3 }),
        session({ Id: "2", User: "a", Since: 2, IdleEndsAt: 50 }),
        session({ Id: "3", User: "b", Since: 1, DurationEndsAt: 40 }),
    ];
    const ids = (column, descending) => sorted(sessions, column, descending).map(({ id }) => id).join();
    assert.equal(ids("ends", false), "3,2,1");
    assert.equal(ids("user", false), "2,3,1");
    assert.equal(ids("user", true), "3,1,2");
    assert.equal(ids("since", false), "3,2,1");
    assert.equal(ids("unknown", false), "3,2,1");
});

test("the fields of the dialog become a value of the policy, and back", () => {
    const limited = (days, hours, minutes) => fieldValue({ choice: "limited", days, hours, minutes });
    assert.deepEqual(limited("1", "", "30"), { value: "1d 30min" });
    assert.deepEqual(limited("", "36", ""), { value: "1d 12h" });
    assert.deepEqual(limited("0", "0", "0"), { problem: "empty" });
    assert.deepEqual(limited("", "1.5", ""), { problem: "number" });
    assert.deepEqual(limited("", "-1", ""), { problem: "number" });
    assert.deepEqual(limited("36526", "", ""), { problem: "long" });
    assert.deepEqual(fieldValue({ choice: "unlimited", days: "x" }), { value: "unlimited" });
    assert.deepEqual(fieldValue({ choice: "limited", count: "007" }), { value: "7" });
    assert.deepEqual(fieldValue({ choice: "limited", count: "" }), { problem: "empty" });
    assert.deepEqual(fieldValue({ choice: "limited", count: "1000001" }), { problem: "range" });
    for (const span of [MINUTE, HOUR, 36 * HOUR + 5 * MINUTE, 400 * DAY]) {
        const { days, hours, minutes, rest } = spanFields(span);
        const { value } = limited(String(days), String(hours), String(minutes));
        assert.equal(parseSpan(value), span);
        assert.equal(rest, 0);
    }
    assert.equal(spanFields(90 * SECOND).rest, 30 * SECOND);
});

test("time spans of settings are parsed as the daemon prints them", () => {
    assert.equal(parseSpan("unlimited"), NEVER);
    assert.equal(parseSpan("1y 1M 1w"), (31_557_600 + 2_629_800 + 604_800) * SECOND);
    assert.equal(parseSpan("1min 30s"), 90 * SECOND);
    for (const text of ["", "8", "h", "8 parsecs", "-8h", "8h!"]) {
        assert.equal(parseSpan(text), null, text);
    }
});

test("explanations and settings from D-Bus and from sesslimitctl have the same form", () => {
    const row = ["max_sessions", "3", "host", "staff", "/etc/sesslimit/policy.toml", 12];
    const { settings, rules, outcome } = explanationOf(
        [true, "", [row], [["host", "staff", "/etc/sesslimit/policy.toml", "max_sessions = 3", 10, true]], "admitted"]);
    const json = { name: row[0], value: row[1], tier: row[2], rule: row[3], file: row[4], line: row[5] };
    assert.deepEqual(settings, [json]);
    assert.deepEqual(settingsOfJson([json]), [json]);
    assert.deepEqual(settingsOfJson([{ name: "mode", value: "enforce", tier: null, rule: null, file: null, line: null }]),
        [{ name: "mode", value: "enforce", tier: "", rule: "", file: "", line: 0 }]);
    assert.deepEqual([rules[0].name, rules[0].used, outcome], ["staff", true, "admitted"]);
});

test("entries of the journal with bytes, repeated fields and garbage are read", () => {
    const output = [
        '{"__CURSOR":"c1","__REALTIME_TIMESTAMP":"1764547200000000","SESSLIMIT_EVENT":"denied","SESSLIMIT_USER":"bob","MESSAGE":"Denied"}',
        '{"__CURSOR":"c2","__REALTIME_TIMESTAMP":"2","SESSLIMIT_EVENT":["ended","x"],"MESSAGE":[69,195,164]}',
        "no JSON", "",
    ].join("\n");
    const events = historyOf(output);
    assert.deepEqual(events.map(({ event, message }) => [event, message]), [["denied", "Denied"], ["ended", "Eä"]]);
    assert.equal(events[0].at, 1764547200000000);
});

test("the own session is found in the control group of the bridge", () => {
    assert.equal(sessionInCgroup("0::/user.slice/user-1001.slice/session-c12.scope\n"), "c12");
    assert.equal(sessionInCgroup("0::/system.slice/cockpit.service\n"), "");
});

test("a page that is hidden during a read makes no further call until it is shown", async (context) => {
    context.mock.timers.enable({ apis: ["setTimeout"] });
    const calls = [];
    const replies = [];
    const listeners = {};
    const bus = {
        addEventListener() {},
        subscribe() {},
        call: (_path, _interface, method) => {
            calls.push(method);
            return new Promise((resolve) => replies.push(() => resolve(method === "GetAll" ? [{}] : [[]])));
        },
    };
    globalThis.cockpit = { hidden: false, dbus: () => bus, addEventListener: (event, listener) => (listeners[event] = listener) };
    const { store } = await import("../../cockpit/store.js");
    const show = (shown) => {
        cockpit.hidden = !shown;
        listeners.visibilitychange();
    };
    const started = store.start();
    show(false);
    replies.splice(0).forEach((reply) => reply());
    await started;
    store.followed = () => [session({ Id: "1" })];
    context.mock.timers.tick(600_000);
    assert.deepEqual(calls, ["GetAll", "ListSessions"]);
    show(true);
    assert.deepEqual(calls.slice(2), ["GetAll", "ListSessions"]);
    replies.splice(0).forEach((reply) => reply());
    await new Promise(setImmediate);
    context.mock.timers.tick(5_000);
    assert.deepEqual(calls.slice(4), ["ListIdle"]);
});
