// SPDX-License-Identifier: MIT
// Hosts and sessions of the fleet as values, from the JSON of sesslimitctl fleet. Pure, like model.js.

import { matching, NEVER, ordered } from "./model.js";

/** The last point in time that a Date can represent. */
const LAST_DATE = 8.64e18; // microseconds since the epoch

const DIGEST_LENGTH = 12; // characters of the digest of a policy that are shown

/**
 * The state of this host in the fleet. Texts are unchanged, and escaped by shown() when they are displayed.
 * @typedef {object} FleetStatus
 * @property {string} fleet
 * @property {string} host
 * @property {string} version
 * @property {boolean} up
 * @property {string} reason      why the host is not in the fleet
 * @property {number} hostTtl     time span after which the slots of a lost host are free
 * @property {number} sessions    recorded sessions of this host
 * @property {EtcdNode[]} nodes
 * @property {Alarm[] | null} alarms  null if they are not known
 *
 * A node of etcd.
 * @typedef {object} EtcdNode
 * @property {string} endpoint
 * @property {boolean} reachable
 * @property {string} problem
 * @property {string} version
 * @property {boolean} leader
 * @property {number | null} size     bytes
 * @property {number | null} quota    bytes
 * @property {number | null} lag      revisions
 * @property {number | null} latency  microseconds
 *
 * @typedef {{ type: string, endpoint: string }} Alarm
 *
 * @typedef {object} Host
 * @property {string} name
 * @property {boolean} isThis
 * @property {string} version
 * @property {string} policy          digest
 * @property {number | null} sessions
 * @property {boolean} otherVersion   whether its version differs from that of this host
 * @property {boolean} otherPolicy
 *
 * A session with a limit in the fleet.
 * @typedef {object} FleetSession
 * @property {string} host
 * @property {number} number          of the session on its host
 * @property {string} user            a name, or "uid:" and an ID if the name is not known
 * @property {number} slot
 * @property {number} since           NEVER if it is not a valid point in time
 * @property {string} service
 * @property {string} terminal
 * @property {string} origin
 * @property {string} rule
 *
 * The answer of a host to the request to terminate sessions.
 * @typedef {{ host: string, answered: boolean, sessions: number }} Ended
 */

/**
 * @param {any} value
 * @returns {FleetStatus}
 */
export function statusOf(value) {
    return {
        fleet: value.fleet,
        host: value.host,
        version: value.version ?? "",
        up: value.up,
        reason: value.reason ?? "",
        hostTtl: value.host_ttl,
        sessions: value.sessions,
        nodes: value.nodes.map((/** @type {any} */ node) => ({
            endpoint: node.endpoint,
            reachable: node.reachable,
            problem: node.problem ?? "",
            version: node.version ?? "",
            leader: node.leader,
            size: node.size,
            quota: node.quota,
            lag: node.lag,
            latency: node.latency,
        })),
        alarms: value.alarms?.map((/** @type {any} */ { type, endpoint }) => ({ type, endpoint: endpoint ?? "" })) ?? null,
    };
}

/**
 * @param {any[]} list
 * @returns {Host[]}
 */
export function hostsOf(list) {
    return list.map((host) => ({
        name: host.host,
        isThis: host.this,
        version: host.version ?? "",
        policy: host.policy ?? "",
        sessions: host.sessions,
        otherVersion: host.other_version,
        otherPolicy: host.other_policy,
    }));
}

/**
 * @param {any[]} list
 * @returns {FleetSession[]}
 */
export function fleetSessionsOf(list) {
    return list.map((session) => ({
        host: session.host,
        number: session.session,
        user: session.user ?? `uid:${session.uid}`,
        slot: session.slot,
        since: session.since <= LAST_DATE ? session.since : NEVER,
        service: session.service ?? "",
        terminal: session.terminal ?? "",
        origin: session.origin ?? "",
        rule: session.rule ?? "",
    }));
}

/**
 * @param {any[]} list
 * @returns {Ended[]}
 */
export function endedOf(list) {
    return list.map(({ host, answered, sessions }) => ({ host, answered, sessions: sessions ?? 0 }));
}

/**
 * Returns the first characters of the digest of a policy.
 * @param {string} digest
 */
export function shortDigest(digest) {
    return digest.slice(0, DIGEST_LENGTH);
}

/** @param {FleetSession} session */
function searchedOfSession({ user, host, service, terminal, origin, rule }) {
    return [user, host, service, terminal, origin, rule].join("\n").toLowerCase();
}

/**
 * Returns the sessions that contain all words of the filter.
 * @param {FleetSession[]} sessions
 * @param {string} filter
 */
export function filteredSessions(sessions, filter) {
    return matching(sessions, filter, searchedOfSession);
}

/**
 * Returns the hosts that contain all words of the filter.
 * @param {Host[]} hosts
 * @param {string} filter
 */
export function filteredHosts(hosts, filter) {
    return matching(hosts, filter, ({ name, version, policy }) => [name, version, policy].join("\n").toLowerCase());
}

/** @type {{ [column: string]: (session: FleetSession) => string | number }} */
const SESSION_KEYS = {
    user: (session) => session.user,
    host: (session) => session.host,
    since: (session) => session.since,
    service: (session) => session.service,
    from: (session) => session.origin,
    rule: (session) => session.rule,
    slot: (session) => session.slot,
};

/**
 * Returns the sessions in the order of a column. Sessions with the same value are in the order of their users and slots.
 * @param {FleetSession[]} sessions
 * @param {string} column       a key of SESSION_KEYS
 * @param {boolean} descending
 */
export function sortedSessions(sessions, column, descending) {
    return ordered(sessions, SESSION_KEYS[column] ?? SESSION_KEYS.user, descending, (a, b) =>
        compare(a.user, b.user) || a.slot - b.slot || compare(a.host, b.host) || a.number - b.number);
}

/** @type {{ [column: string]: (host: Host) => string | number }} */
const HOST_KEYS = {
    host: (host) => host.name,
    version: (host) => host.version,
    policy: (host) => host.policy,
    sessions: (host) => host.sessions ?? -1,
};

/**
 * Returns the hosts in the order of a column. Hosts with the same value are in the order of their names.
 * @param {Host[]} hosts
 * @param {string} column       a key of HOST_KEYS
 * @param {boolean} descending
 */
export function sortedHosts(hosts, column, descending) {
    return ordered(hosts, HOST_KEYS[column] ?? HOST_KEYS.host, descending, (a, b) => compare(a.name, b.name));
}

/**
 * @param {string} a
 * @param {string} b
 */
function compare(a, b) {
    return a < b ? -1 : a > b ? 1 : 0;
}

/**
 * Returns the numbers of sessions by their hosts, in the order of the names.
 * @param {FleetSession[]} sessions
 * @returns {[string, number][]}
 */
export function countsByHost(sessions) {
    /** @type {Map<string, number>} */
    const counts = new Map();
    for (const { host } of sessions) {
        counts.set(host, (counts.get(host) ?? 0) + 1);
    }
    return [...counts].sort(([a], [b]) => compare(a, b));
}

/**
 * Summarizes the answers of the hosts.
 * @param {Ended[]} ended
 * @returns {{ sessions: number, answered: number, counts: [string, number][], missing: string[] }}
 *     `counts`: the hosts that terminate sessions; `missing`: the hosts that have not answered; both by name
 */
export function summaryOf(ended) {
    const byName = [...ended].sort((a, b) => compare(a.host, b.host));
    return {
        sessions: ended.reduce((sum, { sessions }) => sum + sessions, 0),
        answered: ended.filter(({ answered }) => answered).length,
        counts: byName.filter(({ sessions }) => sessions > 0).map(({ host, sessions }) => [host, sessions]),
        missing: byName.filter(({ answered }) => !answered).map(({ host }) => host),
    };
}

/**
 * Formats a size, such as "20.5 MiB".
 * @param {number | null} bytes
 * @returns {string}  an empty text if the size is not known
 */
export function sizeText(bytes) {
    if (bytes === null) {
        return "";
    }
    const units = ["B", "KiB", "MiB", "GiB", "TiB"];
    let [value, unit] = [bytes, 0];
    while (value >= 1024 && unit + 1 < units.length) {
        value /= 1024;
        unit += 1;
    }
    return `${unit === 0 ? value : value.toFixed(1)} ${units[unit]}`;
}

/**
 * Formats the time in which a node has answered, such as "1.2 ms".
 * @param {number | null} latency  microseconds
 * @returns {string}  an empty text if it is not known
 */
export function latencyText(latency) {
    return latency === null ? "" : `${(latency / 1000).toFixed(1)} ms`;
}
