// SPDX-License-Identifier: MIT
// The number of open sessions over time, from the journal and the list of sessions. Pure, like model.js.

import { DAY, fieldText, HOUR, MINUTE } from "./model.js";

/** @import { Session } from "./model.js" */

/**
 * An entry of the journal about the start or the end of a session.
 * @typedef {object} Entry
 * @property {number} at
 * @property {string} boot
 * @property {string} key            the daemon's number of the session, which is unique within a boot
 * @property {number | null} length  time from the login to the end; null in an entry about a start
 *
 * The time in which a session was open.
 * @typedef {{ from: number, to: number }} Interval
 */

/**
 * Parses a line of journalctl --output=json.
 * @param {string} line
 * @returns {Entry | null}  null if the line is not an entry about the start or the end of a session
 */
export function entryOf(line) {
    let fields;
    try {
        fields = JSON.parse(line);
    } catch {
        return null;
    }
    const [at, boot, key, event, seconds] = ["__REALTIME_TIMESTAMP", "_BOOT_ID", "SESSLIMIT_KEY", "SESSLIMIT_EVENT",
        "SESSLIMIT_DURATION"].map((name) => fieldText(fields?.[name]));
    const ends = event === "ended" || event === "released";
    const length = ends ? Number(seconds || "NaN") * 1e6 : null;
    return /^\d+$/.test(at) && key !== "" && (length === null || length >= 0) ? { at: Number(at), boot, key, length } : null;
}

/** The sessions that were open in the recent past, and those that are open. */
export class Timeline {
    /** @type {Interval[]} sessions that have ended */
    #ended = [];
    /** @type {Map<number, number>} number and login time of the open sessions */
    #open = new Map();
    /** Time from which the sessions are known. */
    start = Infinity;

    /**
     * Sets the timeline.
     *
     * The entry about the end of a session also states its length, so that its start may be missing. A session of an
     * earlier boot whose end is missing, for example after a power failure, lasted until the last entry of its boot. Any
     * other start without an end is omitted, because the end is not known. An example is a login that logind reports as
     * a greeter.
     * @param {Entry[]} entries     newest first
     * @param {Session[]} sessions
     */
    load(entries, sessions) {
        /** @type {Map<string, Interval>} */
        const ended = new Map();
        /** @type {Map<string, number>} */
        const last = new Map();
        this.#open = openSessions(sessions);
        const now = entries[0]?.boot; // sessions that are open belong to this boot
        for (const { at, boot, key, length } of entries) {
            const name = `${boot} ${key}`;
            if (!last.has(boot)) {
                last.set(boot, at);
            }
            if (length !== null) {
                ended.set(name, { from: at - length, to: at }); // the earliest end is that of the login
            } else if (!ended.has(name) && boot !== now) {
                ended.set(name, { from: at, to: last.get(boot) ?? at });
            }
            if (length !== null && boot === now) {
                this.#open.delete(Number(key));
            }
        }
        this.#ended = [...ended.values()];
        this.start = entries.at(-1)?.at ?? Infinity;
    }

    /**
     * Updates the timeline. Sessions that are no longer open have ended at this time.
     * @param {Session[]} sessions
     * @param {number} now
     * @returns {boolean}  true if the open sessions differ
     */
    follow(sessions, now) {
        const open = openSessions(sessions);
        let differs = open.size !== this.#open.size;
        for (const [key, from] of this.#open) {
            if (!open.has(key)) {
                this.#ended.push({ from, to: now });
                differs = true;
            }
        }
        this.#open = open;
        return differs;
    }

    /**
     * Returns the numbers of sessions from the start of the timeline, at most 24 hours ago, until now.
     * @param {number} now
     * @param {number} count  number of parts of this time
     * @returns {Counts}
     */
    counts(now, count) {
        const start = Math.max(this.start, now - DAY);
        this.#ended = this.#ended.filter(({ to }) => to >= start);
        const open = [...this.#open.values()].map((from) => ({ from, to: Infinity }));
        return countsOf([...this.#ended, ...open], start, Math.max(now, start + MINUTE), count);
    }
}

/**
 * Returns the number and the login time of sessions that are logged in.
 * @param {Session[]} sessions
 * @returns {Map<number, number>}
 */
function openSessions(sessions) {
    const open = sessions.filter(({ state }) => state !== "waiting" && state !== "left-behind");
    return new Map(open.map(({ key, since }) => [key, since]));
}

/**
 * Numbers of sessions in a time span that is divided into equal parts.
 * @typedef {object} Counts
 * @property {number} start
 * @property {number} end
 * @property {number[]} peaks  the largest number of sessions that were open at the same time, in each part
 * @property {number} most     the largest of them
 * @property {number} mostAt   the first time at which it was reached
 * @property {number} last     the number at the end
 */

/**
 * Counts the sessions over time.
 * @param {Interval[]} intervals
 * @param {number} start
 * @param {number} end
 * @param {number} count  number of parts
 * @returns {Counts}
 */
export function countsOf(intervals, start, end, count) {
    const starts = new Float64Array(intervals.map(({ from }) => from)).sort();
    const ends = new Float64Array(intervals.map(({ to }) => to)).sort();
    let [started, ended] = [0, 0];
    const passEnds = (/** @type {number} */ until) => {
        while (ends[ended] <= until) {
            ended += 1;
        }
    };
    while (starts[started] <= start) {
        started += 1;
    }
    passEnds(start);
    let [most, mostAt] = [started - ended, start];
    /** @type {number[]} */
    const peaks = [];
    for (let part = 1; part <= count; part += 1) {
        const until = start + ((end - start) * part) / count;
        let peak = started - ended;
        while (starts[started] <= until) {
            const at = starts[started];
            passEnds(at); // a session that ends when another one begins is not open at the same time
            started += 1;
            peak = Math.max(peak, started - ended);
            if (peak > most) {
                [most, mostAt] = [peak, at];
            }
        }
        passEnds(until);
        peaks.push(peak);
    }
    return { start, end, peaks, most, mostAt, last: started - ended };
}

/**
 * Returns the values of the lines of a scale from 0, of which the last one is not below the number.
 * @param {number} number
 * @returns {number[]}
 */
export function scaleOf(number) {
    const most = Math.max(1, number);
    let step = 1;
    for (let power = 1; most / step > 4; power *= 10) {
        step = [1, 2, 5, 10].map((factor) => factor * power).find((each) => most / each <= 4) ?? power * 10;
    }
    return Array.from({ length: Math.ceil(most / step) + 1 }, (_value, at) => at * step);
}

const STEPS = [1, 2, 5, 10, 15, 30, 60, 180].map((minutes) => minutes * MINUTE);

/**
 * Returns at most nine round times in a time span, in the order of time.
 * @param {number} start
 * @param {number} end    at most one day later
 * @param {number} shift  time by which the local clock is ahead of UTC
 * @returns {number[]}
 */
export function roundTimes(start, end, shift) {
    const step = STEPS.find((each) => (end - start) / each <= 8) ?? 3 * HOUR;
    const times = [];
    for (let at = Math.ceil((start + shift) / step) * step - shift; at <= end; at += step) {
        times.push(at);
    }
    return times;
}
