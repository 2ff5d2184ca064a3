// SPDX-License-Identifier: MIT
// Hosts and sessions of the fleet, and the commands that read and terminate them.
import assert from "node:assert/strict";
import test from "node:test";

/** The commands that were started, with their options, and what they do next. */
const spawned = [];
let output = "";
let failure = null;

globalThis.cockpit = {
    hidden: false,
    gettext: (text) => text,
    addEventListener() {},
    spawn: (argv, options) => {
        spawned.push([argv.join(" "), options]);
        return {
            stream: async (receive) => {
                receive(output);
                if (failure) {
                    throw failure;
                }
            },
        };
    },
};
const { fleet } = await import("../../cockpit/client.js");
const {
    countsByHost, endedOf, filteredHosts, filteredSessions, fleetSessionsOf, hostsOf, latencyText, shortDigest, sizeText,
    sortedHosts, sortedSessions, statusOf, summaryOf,
} = await import("../../cockpit/hosts.js");
const { NEVER } = await import("../../cockpit/model.js");

/** Returns a session as sesslimitctl fleet list prints it. */
function printed(values) {
    return {
        host: "web1", session: 7, user: "alice", uid: null, slot: 1, since: 1_700_000_000_000_000, service: null,
        terminal: null, origin: null, rule: null, ...values,
    };
}

function printedHost(values) {
    return {
        host: "web1", this: false, version: "0.1.0", policy: "a".repeat(64), sessions: 1, other_version: false,
        other_policy: false, ...values,
    };
}

/** Runs a call with this result of its command. Returns the value, the command lines and the options. */
async function call(function_, result, error = null) {
    spawned.length = 0;
    output = result;
    failure = error;
    const value = await function_();
    return { value, commands: spawned.map(([command]) => command), options: spawned.map(([, options]) => options) };
}

test("sessions have a user and a time, whatever the record contains", () => {
    const [named, numbered, odd] = fleetSessionsOf([
        printed({ service: "sshd", terminal: "pts/0", origin: "192.0.2.7", rule: "staff" }),
        printed({ user: null, uid: 1001 }),
        printed({ since: 18446744073709552000 }),
    ]);
    assert.deepEqual(named, {
        host: "web1", number: 7, user: "alice", slot: 1, since: 1_700_000_000_000_000, service: "sshd",
        terminal: "pts/0", origin: "192.0.2.7", rule: "staff",
    });
    assert.deepEqual([numbered.user, numbered.service], ["uid:1001", ""]);
    assert.equal(odd.since, NEVER);
    assert.equal(fleetSessionsOf([printed({ since: 9e18 })])[0].since, NEVER); // new Date(9e15) is invalid
    assert.ok(Number.isFinite(new Date(fleetSessionsOf([printed({ since: 8.64e18 })])[0].since / 1000).getTime()));
});

test("the filter of the fleet needs all words, and finds users, hosts and addresses", () => {
    const sessions = fleetSessionsOf([
        printed({}), printed({ user: "bob", host: "web2" }), printed({ user: "bob", origin: "192.0.2.7", rule: "staff" }),
    ]);
    const found = (filter) => filteredSessions(sessions, filter).map((session) => sessions.indexOf(session));
    assert.deepEqual(found(""), [0, 1, 2]);
    assert.deepEqual(found("BOB"), [1, 2]);
    assert.deepEqual(found("bob web2"), [1]);
    assert.deepEqual(found("192.0.2 staff"), [2]);
    assert.deepEqual(found("carol"), []);
    const hosts = hostsOf([printedHost({}), printedHost({ host: "web2", version: "0.2.0", policy: null })]);
    assert.deepEqual(filteredHosts(hosts, "0.2").map(({ name }) => name), ["web2"]);
    assert.deepEqual(filteredHosts(hosts, "aaaa").map(({ name }) => name), ["web1"]);
});

test("sessions and hosts are sorted by each column, and then by user and slot, or by name", () => {
    const sessions = fleetSessionsOf([
        printed({ user: "bob", slot: 2, since: 3, host: "web1" }), printed({ user: "alice", slot: 2, since: 1, host: "web2" }),
        printed({ user: "bob", slot: 1, since: 2, host: "web2" }), printed({ user: "alice", slot: 1, since: 4, host: "web1" }),
    ]);
    const order = (column, descending) => sortedSessions(sessions, column, descending).map((session) => sessions.indexOf(session)).join("");
    assert.equal(order("user", false), "3120");
    assert.equal(order("user", true), "2031");
    assert.equal(order("since", false), "1203");
    assert.equal(order("host", true), "1230");
    assert.equal(order("slot", false), "3210");
    assert.equal(order("unknown", false), order("user", false));
    const hosts = hostsOf([
        printedHost({ host: "web3", sessions: 10 }), printedHost({ host: "web1", sessions: null }), printedHost({ host: "web2", sessions: 9 }),
    ]);
    const names = (column, descending) => sortedHosts(hosts, column, descending).map(({ name }) => name.at(-1)).join("");
    assert.equal(names("host", false), "123");
    assert.equal(names("sessions", false), "123");
    assert.equal(names("sessions", true), "321");
    assert.equal(names("version", true), "123");
});

test("sessions are counted by host, and the answers of the hosts are summarized", () => {
    assert.deepEqual(countsByHost(fleetSessionsOf([printed({ host: "web2" }), printed({}), printed({ host: "web2" })])),
        [["web1", 1], ["web2", 2]]);
    const ended = endedOf([
        { host: "web3", answered: false, sessions: null }, { host: "web2", answered: true, sessions: 2 },
        { host: "web1", answered: true, sessions: 1 }, { host: "db1", answered: true, sessions: 0 },
        { host: "db2", answered: false, sessions: null },
    ]);
    assert.deepEqual(summaryOf(ended),
        { sessions: 3, answered: 3, counts: [["web1", 1], ["web2", 2]], missing: ["db2", "web3"] });
    assert.deepEqual(summaryOf([]), { sessions: 0, answered: 0, counts: [], missing: [] });
});

test("sizes, latencies and digests are short", () => {
    const sizes = [[null, ""], [0, "0 B"], [1023, "1023 B"], [1024, "1.0 KiB"], [20.5 * 2 ** 20, "20.5 MiB"], [2 ** 31, "2.0 GiB"],
        [2 ** 60, "1048576.0 TiB"]];
    for (const [bytes, text] of sizes) {
        assert.equal(sizeText(bytes), text);
    }
    assert.deepEqual([latencyText(null), latencyText(0), latencyText(1234)], ["", "0.0 ms", "1.2 ms"]);
    assert.equal(shortDigest("0123456789abcdef"), "0123456789ab");
    assert.equal(shortDigest(""), "");
});

test("the state of a host without etcd has a reason, and unknown alarms are not an empty list", () => {
    const node = {
        endpoint: "10.0.0.1:2379", reachable: false, problem: "no answer in time", version: null, leader: false, size: null,
        size_in_use: null, quota: null, revision: null, lag: null, raft_index: null, raft_applied_index: null, latency: null,
    };
    const status = {
        fleet: "office", host: "web1", version: null, up: false, reason: "etcd does not answer", lease: null,
        host_ttl: 30_000_000, sessions: 2, identity: "name", nodes: [node], alarms: null,
    };
    const read = statusOf(status);
    assert.deepEqual([read.up, read.reason, read.version, read.hostTtl], [false, "etcd does not answer", "", 30_000_000]);
    assert.equal(read.alarms, null);
    assert.deepEqual(read.nodes, [{
        endpoint: "10.0.0.1:2379", reachable: false, problem: "no answer in time", version: "", leader: false, size: null,
        quota: null, lag: null, latency: null,
    }]);
    const alarms = [{ type: "NOSPACE", endpoint: "10.0.0.1:2379" }, { type: "other", endpoint: null }];
    assert.deepEqual(statusOf({ ...status, alarms }).alarms, [alarms[0], { type: "other", endpoint: "" }]);
    assert.deepEqual(statusOf({ ...status, alarms: [] }).alarms, []);
});

test("all commands of the fleet run as root, and a user is never taken for an option", async () => {
    const status = { fleet: "f", host: "h", up: true, host_ttl: 1, sessions: 0, nodes: [], alarms: [] };
    const calls = [
        [() => fleet.status(), JSON.stringify(status), "sesslimitctl fleet status --json=short"],
        [() => fleet.hosts(), "[]", "sesslimitctl fleet hosts --json=short"],
        [() => fleet.sessions(), "[]", "sesslimitctl fleet list --json=short"],
        [() => fleet.sessions("-x"), "[]", "sesslimitctl fleet list --json=short -- -x"],
        [() => fleet.endUser("alice", ""), "[]", "sesslimitctl fleet end-user --json=short -- alice"],
        [() => fleet.endUser("alice", "at noon"), "[]", "sesslimitctl fleet end-user --message=at noon --json=short -- alice"],
    ];
    for (const [function_, result, command] of calls) {
        const { commands, options } = await call(function_, result);
        assert.deepEqual(commands, [command]);
        assert.deepEqual(options, [{ superuser: "require", err: "message" }]);
    }
});

test("a command that fails after its answer is read, and another failure has the text of the command", async () => {
    const answers = [{ host: "web1", answered: true, sessions: 1 }, { host: "web2", answered: false, sessions: null }];
    const { value } = await call(() => fleet.endUser("alice", ""), JSON.stringify(answers),
        { exit_status: 1, problem: null, message: "sesslimitctl: 1 host has not answered: web2" });
    assert.deepEqual(summaryOf(value).missing, ["web2"]);
    const denied = { exit_status: 4, problem: null, message: "this host may not read the records of other hosts" };
    await assert.rejects(call(() => fleet.hosts(), "", denied), { kind: "other", message: denied.message });
    await assert.rejects(call(() => fleet.hosts(), "", { problem: "access-denied", message: "" }), { kind: "denied" });
});

test("a host is in a fleet if the socket exists", async () => {
    const found = await call(() => fleet.exists(), "");
    assert.deepEqual([found.value, found.commands], [true, ["test -S /run/sesslimit-fleet-admin.sock"]]);
    assert.equal((await call(() => fleet.exists(), "", { exit_status: 1, problem: null, message: "" })).value, false);
});
