// SPDX-License-Identifier: MIT
// Sessions and events of the journal as values. Pure: no DOM and no Cockpit, and time is an argument.
// Points in time are microseconds since the epoch on the host's clock, and time spans are microseconds.

export const SECOND = 1e6;
export const MINUTE = 60 * SECOND;
export const HOUR = 60 * MINUTE;
export const DAY = 24 * HOUR;

/** "Never" as a point in time, and "unlimited" as a time span. */
export const NEVER = Infinity;

/**
 * A variant as Cockpit passes it from D-Bus.
 * @typedef {{ t: string, v: any }} Variant
 * @typedef {{ [key: string]: Variant }} Dictionary
 */

/**
 * A session of the daemon. Texts are unchanged, and escaped by shown() when they are displayed.
 * @typedef {object} Session
 * @property {number} key              the daemon's number of the session
 * @property {string} id
 * @property {string} user
 * @property {number} uid
 * @property {string} state            waiting, admitted, active, ending or left-behind
 * @property {string} service
 * @property {string[]} terminals
 * @property {string} origin           remote host; empty if the login came from this host
 * @property {string} seat
 * @property {string} scope
 * @property {number} leader
 * @property {boolean} adopted
 * @property {number} since
 * @property {number} idleSince        0 if the daemon does not observe the activity of the session
 * @property {number} maxDuration
 * @property {number} idleTimeout
 * @property {string[]} sources        sources of activity
 * @property {string} lastActivity
 * @property {number} durationEndsAt
 * @property {number} idleEndsAt
 * @property {boolean} observed        true if the limits are only logged
 * @property {string} reason
 * @property {string} requestedBy      person who requested the termination
 * @property {string} credential       empty if it is unknown or not for this user
 * @property {string} method
 * @property {string} remoteUser
 * @property {Preview | null} preview  null unless the daemon was asked about this session alone
 *
 * Consequences of the termination of a session.
 * @typedef {object} Preview
 * @property {number} processes
 * @property {string[]} commands
 * @property {string[]} kept
 * @property {string[]} otherUnits
 * @property {boolean} lingers
 */

/**
 * Returns a number of the D-Bus type t. The maximum of the type becomes NEVER. Cockpit passes it as 2^64, because a
 * double cannot represent it. Cockpit 287 passes it as -1.
 * @param {unknown} value
 * @returns {number}
 */
export function timeOf(value) {
    return typeof value === "number" && value >= 0 && value < 2 ** 63 ? value : NEVER;
}

/**
 * Converts a session from D-Bus. Keys that an older daemon does not have get neutral values.
 * @param {Dictionary} dictionary
 * @returns {Session}
 */
export function sessionOf(dictionary) {
    /** @type {<T>(key: string, otherwise: T) => T} */
    const get = (key, otherwise) => (dictionary[key] ? dictionary[key].v : otherwise);
    return {
        key: get("Key", 0),
        id: get("Id", ""),
        user: get("User", ""),
        uid: get("Uid", 0),
        state: get("State", "active"),
        service: get("Service", ""),
        terminals: get("Terminals", []),
        origin: get("Origin", ""),
        seat: get("Seat", ""),
        scope: get("Scope", ""),
        leader: get("Leader", 0),
        adopted: get("Adopted", false),
        since: get("Since", 0),
        idleSince: get("IdleSince", 0),
        maxDuration: timeOf(get("MaxDuration", NEVER)),
        idleTimeout: timeOf(get("IdleTimeout", NEVER)),
        sources: get("ActivitySources", []),
        lastActivity: get("LastActivity", ""),
        durationEndsAt: timeOf(get("DurationEndsAt", NEVER)),
        idleEndsAt: timeOf(get("IdleEndsAt", NEVER)),
        observed: dictionary.Mode?.v === "observe",
        reason: get("Reason", ""),
        requestedBy: get("RequestedBy", ""),
        credential: get("Credential", ""),
        method: get("Method", ""),
        remoteUser: get("RemoteUser", ""),
        preview: dictionary.Processes
            ? {
                  processes: get("Processes", 0),
                  commands: get("Commands", []),
                  kept: get("Kept", []),
                  otherUnits: get("OtherUnits", []),
                  lingers: get("Lingers", false),
              }
            : null,
    };
}

/**
 * Returns the session with new idle times, or the session itself if nothing differs.
 * @param {Session} session
 * @param {[string, number, number, string]} row  ID, IdleSince, IdleEndsAt and LastActivity, from ListIdle
 * @returns {Session}
 */
export function withIdleTimes(session, [, idleSince, endsAt, lastActivity]) {
    const idleEndsAt = timeOf(endsAt);
    return session.idleSince === idleSince && session.idleEndsAt === idleEndsAt && session.lastActivity === lastActivity
        ? session
        : { ...session, idleSince, idleEndsAt, lastActivity };
}

/**
 * Returns the limit that expires first.
 * @param {Session} session
 * @returns {{ at: number, limit: "duration" | "idle" | null }}  null and NEVER if no limit terminates the session
 */
export function endOf(session) {
    if (session.durationEndsAt === NEVER && session.idleEndsAt === NEVER) {
        return { at: NEVER, limit: null };
    }
    return session.durationEndsAt <= session.idleEndsAt
        ? { at: session.durationEndsAt, limit: "duration" }
        : { at: session.idleEndsAt, limit: "idle" };
}

/**
 * Returns true if the daemon cannot observe the activity of the session, and never considers it idle. The daemon applies
 * no idle timeout to sessions of Cockpit. Other sessions are also without sources until the first check, but then have a
 * time at which they end.
 * @param {Session} session
 */
export function isNeverIdle(session) {
    const unobservable = session.service === "cockpit" || session.idleTimeout !== NEVER;
    return unobservable && session.sources.length === 0 && session.idleEndsAt === NEVER;
}

/**
 * Formats a time span with at most two units, such as "1d 3h" or "14min 20s". Rounds down to whole seconds. Negative
 * spans are "0s".
 * @param {number} span
 * @returns {string}
 */
export function spanText(span) {
    const units = /** @type {[string, number][]} */ ([["d", DAY], ["h", HOUR], ["min", MINUTE], ["s", SECOND]]);
    let rest = Math.max(0, Math.floor(span / SECOND) * SECOND);
    const first = units.findIndex(([, length]) => rest >= length);
    if (first < 0) {
        return "0s";
    }
    const parts = [];
    for (const [unit, length] of units.slice(first, first + 2)) {
        const number = Math.floor(rest / length);
        rest -= number * length;
        if (number > 0) {
            parts.push(`${number}${unit}`);
        }
    }
    return parts.join(" ");
}

/**
 * Replaces control characters and invisible characters by a backslash, x and the hexadecimal digits of their UTF-8
 * bytes, as sesslimitctl does, so that a name cannot imitate another one.
 * @param {string} text
 * @returns {string}
 */
export function shown(text) {
    return text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Co}\p{Cn}]/gu, (character) =>
        Array.from(new TextEncoder().encode(character), (byte) => `\\x${byte.toString(16).padStart(2, "0")}`).join("")
    );
}

/**
 * The host's clock, estimated from one reading of it and the browser's monotonic clock.
 */
export class HostClock {
    /** @type {number} */
    #offset;

    /**
     * @param {number} wall       the browser's wall clock in milliseconds, used until set() is called
     * @param {number} monotonic  the browser's monotonic clock in milliseconds, as in all methods
     */
    constructor(wall, monotonic) {
        this.#offset = wall - monotonic;
    }

    /**
     * Sets the clock to a reading of the host's clock, which the host took between two points of monotonic time.
     * @param {number} host  microseconds since the epoch
     * @param {number} asked
     * @param {number} answered
     */
    set(host, asked, answered) {
        this.#offset = host / 1000 - (asked + answered) / 2;
    }

    /**
     * Returns the host's time in microseconds since the epoch.
     * @param {number} monotonic
     */
    now(monotonic) {
        return (this.#offset + monotonic) * 1000;
    }
}

/**
 * Returns the texts of a session that the filter searches.
 * @param {Session} session
 */
function searched(session) {
    const where = session.origin || "local";
    return [session.user, session.id, session.service, where, session.state, session.seat, session.credential]
        .concat(session.terminals)
        .join("\n")
        .toLowerCase();
}

/**
 * Returns the items whose text contains all words of a filter.
 * @template Item
 * @param {Item[]} items
 * @param {string} filter
 * @param {(item: Item) => string} textOf  in lower case
 * @returns {Item[]}
 */
export function matching(items, filter, textOf) {
    const words = filter.toLowerCase().split(/\s+/).filter(Boolean);
    return words.length === 0
        ? items
        : items.filter((item) => {
              const text = textOf(item);
              return words.every((word) => text.includes(word));
          });
}

/**
 * Returns the sessions that contain all words of the filter.
 * @param {Session[]} sessions
 * @param {string} filter
 * @returns {Session[]}
 */
export function filtered(sessions, filter) {
    return matching(sessions, filter, searched);
}

/**
 * Returns the items in the order of a key.
 * @template Item
 * @param {Item[]} items
 * @param {(item: Item) => string | number} keyOf
 * @param {boolean} descending
 * @param {(a: Item, b: Item) => number} compare  the order of items with the same key, also if it is descending
 * @returns {Item[]}
 */
export function ordered(items, keyOf, descending, compare) {
    const sign = descending ? -1 : 1;
    const keyed = items.map((item) => ({ item, key: keyOf(item) }));
    keyed.sort((a, b) => (a.key < b.key ? -sign : a.key > b.key ? sign : compare(a.item, b.item)));
    return keyed.map(({ item }) => item);
}

/** @type {{ [column: string]: (session: Session) => string | number }} */
const SORT_KEYS = {
    user: (session) => session.user,
    from: (session) => session.origin,
    since: (session) => session.since,
    // The session that has been idle for the longest time has the earliest time. Sessions without a time are last.
    idle: (session) => session.idleSince || NEVER,
    ends: (session) => endOf(session).at,
};

/**
 * Returns the sessions in the order of a column. Sessions with the same value are in the order of their logins.
 * @param {Session[]} sessions
 * @param {string} column       a key of SORT_KEYS
 * @param {boolean} descending
 * @returns {Session[]}
 */
export function sorted(sessions, column, descending) {
    const keyOf = SORT_KEYS[column] ?? SORT_KEYS.ends;
    return ordered(sessions, keyOf, descending, (a, b) => a.since - b.since || (a.id < b.id ? -1 : 1));
}

/**
 * An event of the journal.
 * @typedef {object} HistoryEvent
 * @property {string} cursor
 * @property {number} at
 * @property {string} event    denied, denials-repeated or ended
 * @property {string} user
 * @property {string} message
 * @property {string} origin
 */

/**
 * Returns the value of a field of the journal. journalctl writes texts that are not valid UTF-8, or not printable, as
 * lists of bytes, and fields that occur several times as lists of values.
 * @param {unknown} value
 * @returns {string}
 */
export function fieldText(value) {
    if (Array.isArray(value)) {
        return typeof value[0] === "number" ? new TextDecoder().decode(new Uint8Array(value)) : fieldText(value[0]);
    }
    return typeof value === "string" ? value : "";
}

/**
 * Parses the output of journalctl --output=json. Skips lines that are not valid.
 * @param {string} output
 * @returns {HistoryEvent[]}
 */
export function historyOf(output) {
    const events = [];
    for (const line of output.split("\n")) {
        let entry;
        try {
            entry = JSON.parse(line);
        } catch {
            continue;
        }
        events.push({
            cursor: fieldText(entry.__CURSOR),
            at: Number(fieldText(entry.__REALTIME_TIMESTAMP)),
            event: fieldText(entry.SESSLIMIT_EVENT),
            user: fieldText(entry.SESSLIMIT_USER),
            message: fieldText(entry.MESSAGE),
            origin: fieldText(entry.SESSLIMIT_ORIGIN),
        });
    }
    return events;
}

/**
 * Returns the ID of the session in which a process runs, or an empty text.
 * @param {string} cgroup  contents of /proc/PID/cgroup
 */
export function sessionInCgroup(cgroup) {
    return /\/session-([^/\n]+)\.scope/.exec(cgroup)?.[1] ?? "";
}
