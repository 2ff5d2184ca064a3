// SPDX-License-Identifier: MIT
// The state of the page with a daemon that fails, is missing or is older.
import assert from "node:assert/strict";
import test, { mock } from "node:test";

const DBUS = "org.freedesktop.DBus.Error";

/** Replies of the daemon by the name of the method, and of commands by their name. */
const replies = {};

function reply(name) {
    const value = replies[name];
    return value instanceof Error || value?.name ? Promise.reject(value) : Promise.resolve(value);
}

globalThis.cockpit = {
    hidden: false,
    gettext: (text) => text,
    addEventListener() {},
    dbus: () => ({ addEventListener() {}, subscribe() {}, call: (_path, _interface, method) => reply(method) }),
    spawn: ([command]) => ({
        stream: async (receive) => receive(await reply(command)),
    }),
};
const { daemon } = await import("../../cockpit/client.js");
const { store } = await import("../../cockpit/store.js");

mock.timers.enable({ apis: ["setTimeout"] });

const SESSION = { Key: { t: "t", v: 1 }, Id: { t: "s", v: "1" }, State: { t: "s", v: "active" } };

function works() {
    Object.assign(replies, {
        GetAll: [{ Version: { t: "s", v: "1" }, Now: { t: "t", v: 5 } }], ListSessions: [[SESSION]], ListIdle: [[]],
    });
}

function fails(name) {
    Object.assign(replies, { GetAll: { name, message: "m" }, ListSessions: { name, message: "m" } });
}

test("each failure of the daemon has a state, from which the page recovers by itself", async () => {
    for (const [name, loaded, state] of [
        [`${DBUS}.NoReply`, "loaded", "slow"],
        [`${DBUS}.Timeout`, "loaded", "slow"],
        [`${DBUS}.ServiceUnknown`, "loaded", "stopped"],
        [`${DBUS}.NameHasNoOwner`, "not-found", "missing"],
        [`${DBUS}.Failed`, "loaded", "failed"],
    ]) {
        fails(name);
        replies.systemctl = `${loaded}\n`;
        await store.refresh();
        assert.equal(store.state, state, name);
        assert.equal(store.sessions.size, 0);
        works();
        mock.timers.tick(5_000);
        for (let rounds = 0; rounds < 5; rounds += 1) {
            await new Promise(setImmediate);
        }
        assert.equal(store.state, "ready", name);
        assert.equal(store.sessions.size, 1);
    }
});

test("a daemon that does not answer is reported after the first call", async () => {
    works();
    store.followed = () => [...store.sessions.values()];
    await store.refresh();
    replies.ListIdle = { name: `${DBUS}.NoReply`, message: "m" };
    mock.timers.tick(5_000);
    await new Promise(setImmediate);
    assert.equal(store.state, "slow");
    assert.match(store.failure, /does not answer in time/);
});

test("an older daemon without ListIdle and Now is read as a whole every 15 s", async () => {
    works();
    replies.GetAll = [{ Version: { t: "s", v: "0.1" } }];
    replies.ListIdle = { name: `${DBUS}.UnknownMethod`, message: "m" };
    store.followed = () => [...store.sessions.values()];
    await store.refresh();
    assert.equal(store.status.clock, false);
    const calls = [];
    daemon.sessions = () => {
        calls.push("sessions");
        return Promise.resolve([]);
    };
    for (let seconds = 0; seconds < 40; seconds += 1) {
        mock.timers.tick(1_000);
        await new Promise(setImmediate);
        await new Promise(setImmediate);
    }
    delete daemon.sessions; // the method of the class again
    assert.equal(store.hasIdleTimes, false);
    assert.ok(calls.length >= 3 && calls.length <= 4, String(calls.length)); // after the failure, and every 15 s
});

test("an older daemon explains a new login, and the command reads the defaults", async () => {
    const unknown = { name: `${DBUS}.UnknownMethod`, message: "m" };
    const setting = { name: "max_duration", value: "8h", tier: "host", rule: "", file: "/f", line: 3 };
    Object.assign(replies, {
        ExplainSession: unknown, Explain: [true, "", [], [], "admitted"], Defaults: unknown, sesslimitctl: JSON.stringify([setting]),
    });
    const explained = await daemon.explainSession({ id: "1", user: "alice" });
    assert.deepEqual([explained.exact, explained.outcome], [false, "admitted"]);
    assert.deepEqual(await daemon.defaults(), [setting]);
    replies.Defaults = { name: `${DBUS}.NoReply`, message: "m" };
    await assert.rejects(daemon.defaults(), { kind: "slow" });
});
