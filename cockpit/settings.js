// SPDX-License-Identifier: MIT
// Settings of the policy and explanations as values, and the fields of the dialog for limits. Pure, like model.js.

import { DAY, HOUR, MINUTE, NEVER, SECOND } from "./model.js";

/** The longest time span that the policy accepts, 100 years of 365.25 days. */
const LONGEST = 36525 * DAY;

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
