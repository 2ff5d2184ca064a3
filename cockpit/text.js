// SPDX-License-Identifier: MIT
// Words of the page about sessions, limits and settings.

import { _, format, language, ngettext } from "./client.js";
import { endOf, isNeverIdle, NEVER, shown, spanText } from "./model.js";

/** @import { Session } from "./model.js" */
/** @import { Setting } from "./settings.js" */

const dateTime = new Intl.DateTimeFormat(language.replace("_", "-"), { dateStyle: "medium", timeStyle: "short" });

/**
 * Formats a point in time in the time zone of the browser.
 * @param {number} at
 */
export function timeText(at) {
    return at === NEVER ? _("never") : dateTime.format(at / 1000);
}

/** @param {Session} session */
export function fromText(session) {
    return session.origin ? shown(session.origin) : _("this host");
}

/**
 * Returns the service and the terminals, such as "sshd, pts/0".
 * @param {Session} session
 */
export function serviceText(session) {
    return [session.service, ...session.terminals].filter(Boolean).map(shown).join(", ");
}

/** @param {Session} session */
export function nameText(session) {
    return session.user ? shown(session.user) : `uid:${session.uid}`;
}

/** @param {number} count */
export function sessionsText(count) {
    return format(ngettext("$0 session", "$0 sessions", count), count);
}

/**
 * Returns the words about sessions that a filter has found.
 * @param {number} found
 * @param {number} all
 */
export function foundText(found, all) {
    return found === all ? sessionsText(all) : format(_("$0 of $1 sessions"), found, all);
}

/** @param {Session} session */
export function stateText(session) {
    switch (session.state) {
        case "waiting":
            return _("Waiting for a slot");
        case "admitted":
            return _("Logging in");
        case "ending":
            return _("Being terminated");
        case "left-behind":
            return _("Left behind");
        default:
            return _("Open");
    }
}

/**
 * @param {Session} session
 * @param {number} now
 */
export function idleText(session, now) {
    if (session.sources.length === 0 || session.idleSince === 0) {
        return isNeverIdle(session) ? _("never idle") : "–";
    }
    return spanText(now - session.idleSince);
}

/**
 * Returns the time left until a limit terminates the session, and the name of the limit.
 * @param {Session} session
 * @param {number} now
 * @returns {{ text: string, limit: string, at: number }}
 */
export function endText(session, now) {
    const { at, limit } = endOf(session);
    if (session.state === "ending" || session.state === "waiting") {
        return { text: stateText(session), limit: "", at: NEVER };
    }
    if (limit === null) {
        return { text: session.idleTimeout === NEVER ? _("no limit") : _("never"), limit: "", at };
    }
    const name = limit === "duration" ? _("maximum duration") : _("idle timeout");
    const left = spanText(at - now);
    return session.observed
        ? { text: `(${left})`, limit: format(_("$0, only logged"), name), at }
        : { text: left, limit: name, at };
}

/** @returns {{ [name: string]: string }} */
function settingNames() {
    return {
        max_sessions: _("Sessions of a user"),
        max_sessions_total: _("Sessions in total"),
        max_sessions_fleet: _("Sessions of a user on all hosts"),
        max_duration: _("Maximum duration"),
        idle_timeout: _("Idle timeout"),
        idle_timeout_no_terminal: _("Idle timeout without a terminal"),
        at_limit: _("At the limit"),
        on_fleet_error: _("If the fleet does not answer"),
        displace_idle: _("Displaced after being idle for"),
        idle_activity: _("Activity"),
        on_idle: _("When idle"),
        warn_before: _("Warnings before the end"),
        keep: _("Programs that are kept"),
        count_left_behind: _("Count sessions that are left behind"),
        limit_left_behind: _("Limit sessions that are left behind"),
        quiet: _("Quiet"),
        message: _("Message of a denial"),
        message_of_end: _("Message of a termination"),
        mode: _("Mode"),
        ignore_services: _("Services that are ignored"),
    };
}

/**
 * Returns the name of a key of the policy. Unknown keys of a newer daemon are shown as they are.
 * @param {string} key
 */
export function settingName(key) {
    return settingNames()[key] ?? shown(key);
}

/**
 * Returns the value of a setting, as in the policy file except for "unlimited".
 * @param {string} value
 */
export function valueText(value) {
    return value === "unlimited" ? _("unlimited") : shown(value) || "–";
}

/** @param {Setting} setting */
export function originText(setting) {
    if (!setting.file) {
        return _("built-in default");
    }
    const place = setting.line ? `${shown(setting.file)}:${setting.line}` : shown(setting.file);
    const table = setting.rule ? format(_("rule “$0”"), shown(setting.rule)) : "[defaults]";
    return setting.tier === "managed" ? format(_("$0, $1 (managed)"), table, place) : `${table}, ${place}`;
}

/**
 * Returns the message of an error that was caught.
 * @param {unknown} error
 */
export function failureText(error) {
    return shown(error instanceof Error ? error.message : String(error));
}

/** @param {number} count */
export function processesText(count) {
    return format(ngettext("$0 process", "$0 processes", count), count);
}
