// SPDX-License-Identifier: MIT
// Sessions, limits and explanations as values. Pure: no DOM and no Cockpit, and time is an argument.
// Points in time are microseconds since the epoch on the host's clock, and time spans are microseconds.

export const SECOND = 1e6;
export const MINUTE = 60 * SECOND;
export const HOUR = 60 * MINUTE;
export const DAY = 24 * HOUR;

/** "Never" as a point in time, and "unlimited" as a time span. */
export const NEVER = Infinity;

/** The longest time span that the policy accepts, 100 years of 365.25 days. */
export const LONGEST = 36525 * DAY;

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
 * Returns the sessions that contain all words of the filter.
 * @param {Session[]} sessions
 * @param {string} filter
 * @returns {Session[]}
 */
export function filtered(sessions, filter) {
    const words = filter.toLowerCase().split(/\s+/).filter(Boolean);
    return words.length === 0
        ? sessions
        : sessions.filter((session) => {
              const text = searched(session);
              return words.every((word) => text.includes(word));
          });
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
    const sign = descending ? -1 : 1;
    const keyed = sessions.map((session) => ({ session, key: keyOf(session) }));
    keyed.sort((a, b) =>
        a.key < b.key ? -sign : a.key > b.key ? sign : a.session.since - b.session.since || (a.session.id < b.session.id ? -1 : 1)
    );
    return keyed.map(({ session }) => session);
}

/** Lengths of the units that the daemon prints in settings. A month has 30.44 days and a year 365.25 days. */
const UNITS = /** @type {{ [unit: string]: number }} */ ({
    us: 1,
    ms: 1e3,
    s: SECOND,
    min: MINUTE,
    h: HOUR,
    d: DAY,
    w: 7 * DAY,
    M: 2_629_800 * SECOND,
    y: 31_557_600 * SECOND,
});

/**
 * Parses a time span of a setting, such as "1d 12h" or "unlimited".
 * @param {string} text
 * @returns {number | null}  null if the text is not a time span
 */
export function parseSpan(text) {
    if (text === "unlimited") {
        return NEVER;
    }
    if (!/^(\d+(us|ms|s|min|h|d|w|M|y)\s*)+$/.test(text)) {
        return null;
    }
    let sum = 0;
    for (const [, number, unit] of text.matchAll(/(\d+)([a-zA-Z]+)/g)) {
        sum += Number(number) * UNITS[unit];
    }
    return sum;
}

/**
 * Splits a time span into the fields of the dialog. `rest` is the part below a minute.
 * @param {number} span
 */
export function spanFields(span) {
    const days = Math.floor(span / DAY);
    const hours = Math.floor((span % DAY) / HOUR);
    const minutes = Math.floor((span % HOUR) / MINUTE);
    return { days, hours, minutes, rest: span % MINUTE };
}

/**
 * A field of the dialog for limits. The numbers are the texts of the inputs.
 * @typedef {object} Field
 * @property {"unlimited" | "limited" | "unset"} choice
 * @property {string} [count]    for max_sessions
 * @property {string} [days]     for time spans
 * @property {string} [hours]
 * @property {string} [minutes]
 */

/**
 * Returns the value of a field as an argument of sesslimitctl set, or the reason for which it is invalid.
 * @param {Field} field
 * @returns {{ value: string } | { problem: "number" | "range" | "empty" | "long" }}
 */
export function fieldValue(field) {
    if (field.choice !== "limited") {
        return { value: "unlimited" };
    }
    const numbers = field.count !== undefined ? [field.count] : [field.days, field.hours, field.minutes];
    const texts = numbers.map((text) => (text ?? "").trim());
    if (texts.some((text) => text !== "" && !/^\d{1,9}$/.test(text))) {
        return { problem: "number" };
    }
    if (field.count !== undefined) {
        return texts[0] === ""
            ? { problem: "empty" }
            : Number(texts[0]) > 1_000_000
              ? { problem: "range" }
              : { value: String(Number(texts[0])) };
    }
    const [days, hours, minutes] = texts.map(Number);
    const span = days * DAY + hours * HOUR + minutes * MINUTE;
    if (span === 0) {
        return { problem: "empty" };
    }
    if (span > LONGEST) {
        return { problem: "long" };
    }
    const parts = spanFields(span);
    const words = [`${parts.days}d`, `${parts.hours}h`, `${parts.minutes}min`].filter((word) => !/^0\D/.test(word));
    return { value: words.join(" ") };
}

/**
 * A setting with its origin.
 * @typedef {object} Setting
 * @property {string} name
 * @property {string} value
 * @property {string} tier   managed, host, or empty for the built-in default
 * @property {string} rule   empty for [defaults]
 * @property {string} file
 * @property {number} line
 *
 * @typedef {object} Rule
 * @property {string} tier
 * @property {string} name
 * @property {string} file
 * @property {string} settings
 * @property {number} line
 * @property {boolean} used   whether it set any of the effective values
 *
 * @typedef {object} Explanation
 * @property {boolean} counts
 * @property {string} why
 * @property {Setting[]} settings
 * @property {Rule[]} rules
 * @property {string} outcome
 */

/**
 * @param {[string, string, string, string, string, number]} row
 * @returns {Setting}
 */
function settingOf([name, value, tier, rule, file, line]) {
    return { name, value, tier, rule, file, line };
}

/**
 * Converts the reply of the method Defaults.
 * @param {any[]} reply
 * @returns {Setting[]}
 */
export function settingsOf(reply) {
    return reply[0].map(settingOf);
}

/**
 * Converts the reply of the methods Explain and ExplainSession.
 * @param {any[]} reply
 * @returns {Explanation}
 */
export function explanationOf([counts, why, settings, rules, outcome]) {
    return {
        counts,
        why,
        settings: settings.map(settingOf),
        rules: rules.map(
            /** @param {[string, string, string, string, number, boolean]} row */
            ([tier, name, file, set, line, used]) => ({ tier, name, file, settings: set, line, used })
        ),
        outcome,
    };
}

/**
 * Converts the output of sesslimitctl defaults --json, in which null stands for an absent value.
 * @param {any[]} list
 * @returns {Setting[]}
 */
export function settingsOfJson(list) {
    return list.map(({ name, value, tier, rule, file, line }) => ({
        name,
        value,
        tier: tier ?? "",
        rule: rule ?? "",
        file: file ?? "",
        line: line ?? 0,
    }));
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
function fieldText(value) {
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
