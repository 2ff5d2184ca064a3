// SPDX-License-Identifier: MIT
// The card with effective limits and their origin, and the dialog that changes them through sesslimitctl.

import { _, daemon, Failure, format, isHidden, sesslimitctl } from "./client.js";
import { button, byId, el, notice, openDialog, table, withPaths } from "./dom.js";
import { NEVER, shown, spanText } from "./model.js";
import { fieldValue, parseSpan, spanFields } from "./settings.js";
import { store } from "./store.js";
import { failureText, originText, settingName, valueText } from "./text.js";

/** @import { Field, Setting } from "./settings.js" */

const SPANS = ["max_duration", "idle_timeout", "idle_timeout_no_terminal"];
const EDITED = ["max_sessions", ...SPANS];
const DROP_IN = "/90-set.toml"; // the file of sesslimitctl set

/**
 * A rule as sesslimitctl rules --json prints it.
 * @typedef {object} WrittenRule
 * @property {string} name
 * @property {string} tier
 * @property {string} file
 * @property {number} line
 * @property {{ key: string, value: unknown, file: string, line: number }[]} match
 * @property {{ key: string, value: unknown, file: string, line: number }[]} settings
 */

/** @type {WrittenRule[]} */
let rules = [];
let drawing = 0; // number of the last drawLimits()
let isFailed = false;
/** @type {HTMLSelectElement} */
let scope;

/** @param {Setting[]} settings */
export function settingsTable(settings) {
    const row = (/** @type {Setting} */ setting) =>
        [settingName(setting.name), valueText(setting.value), withPaths(originText(setting))];
    const headings = [_("Setting"), _("Value"), _("Set by")];
    const first = settings.filter((setting) => EDITED.includes(setting.name) || setting.name === "mode");
    const rest = settings.filter((setting) => !first.includes(setting));
    return el("div", { class: "settings" },
        table(_("Limits"), headings, first.map(row)),
        rest.length === 0
            ? null
            : el("details", {},
                el("summary", {}, _("More settings")),
                table(_("More settings"), headings, rest.map(row))));
}

/** Fills the card once. */
export function buildLimits() {
    scope = el("select", { id: "limits-scope", onchange: drawLimits });
    byId("limits").replaceChildren(
        el("h2", {}, _("Limits")),
        el("div", { class: "toolbar" },
            el("label", { for: "limits-scope" }, _("Limits of")),
            scope,
            el("label", { for: "limits-user", hidden: true }, _("User")),
            el("input", { id: "limits-user", hidden: true, autocomplete: "off", onchange: drawLimits }),
            button(_("Edit limits"), () => editLimits(), { id: "limits-edit", hidden: true })),
        el("div", { id: "limits-body", role: "status" }));
}

/** Reads the rules and limits again. */
export async function readLimits() {
    if (isHidden()) {
        return;
    }
    try {
        rules = await sesslimitctl(["rules"]);
    } catch {
        rules = []; // the files cannot be read; the daemon still reports its limits
    }
    const selected = scope.value;
    scope.replaceChildren(
        el("option", { value: "" }, _("logins that match no rule")),
        el("option", { value: "user" }, _("a user")),
        ...rules.map((rule) => el("option", { value: valueOf(rule) }, format(_("rule “$0”"), shown(rule.name)))));
    scope.value = [...scope.options].some((option) => option.value === selected) ? selected : "";
    await drawLimits();
}

/** Reads the limits again if the daemon did not answer. */
export function retryLimits() {
    if (isFailed) {
        readLimits();
    }
}

/**
 * Returns the value of a rule in the list of scopes. Names are unique within a tier.
 * @param {WrittenRule} rule
 */
function valueOf({ tier, name }) {
    return `${tier}/${name}`;
}

/** @returns {WrittenRule | undefined} */
function selectedRule() {
    return rules.find((rule) => valueOf(rule) === scope.value);
}

/** @param {unknown} value */
function written(value) {
    return Array.isArray(value) ? value.join(", ") : String(value);
}

async function drawLimits() {
    const rule = selectedRule();
    const user = /** @type {HTMLInputElement} */ (byId("limits-user"));
    const ofUser = scope.value === "user";
    user.hidden = !ofUser;
    /** @type {HTMLElement} */ (user.previousElementSibling).hidden = !ofUser;
    const editable = !ofUser && (!rule || rule.file.endsWith(DROP_IN));
    byId("limits-edit").hidden = !store.administrator || !editable;
    isFailed = false;
    drawing += 1;
    const own = drawing;
    const nodes = await limitsOf(rule, ofUser ? user.value.trim() : null);
    if (own === drawing) { // a later selection has an answer of its own
        byId("limits-body").replaceChildren(...nodes);
    }
}

/**
 * @param {WrittenRule | undefined} rule
 * @param {string | null} user  null for the limits of [defaults]
 * @returns {Promise<Node[]>}
 */
async function limitsOf(rule, user) {
    try {
        if (rule) {
            const { tier, name } = rule;
            const match = rule.match.map(({ key, value }) => `${key.replace(/^match\./, "")} = ${written(value)}`).join("; ");
            return [
                el("p", {}, format(_("Applies to logins with $0."), shown(match) || "–")),
                settingsTable(rule.settings.map(({ key, value, file, line }) =>
                    ({ name: key, value: written(value), tier, rule: name, file, line }))),
            ];
        }
        if (user === null) {
            return [settingsTable(await daemon.defaults())];
        }
        return user === "" ? [] : [settingsTable((await daemon.explain({ user })).settings)];
    } catch (error) {
        isFailed = error instanceof Failure && ["slow", "absent"].includes(error.kind);
        return [notice("danger", _("The limits could not be read."), el("p", {}, failureText(error)))];
    }
}

/** A key in the dialog: the value in the file at the beginning, and the inputs. */
class Input {
    /**
     * @param {string} key
     * @param {string | null} before   value in the file of sesslimitctl set; null if it is not set there
     * @param {Setting | undefined} effective
     */
    constructor(key, before, effective) {
        this.key = key;
        this.before = before;
        const now = effective ? format(_("Now $0, $1."), valueText(effective.value), originText(effective)) : "";
        this.now = el("p", { class: "muted", id: `${key}-now` }, withPaths(now));
        this.choice = el("select", { id: `${key}-choice`, "aria-describedby": this.now.id, onchange: () => this.#show() },
            el("option", { value: "unset" }, _("Not set here")),
            el("option", { value: "unlimited" }, _("Unlimited")),
            el("option", { value: "limited" }, _("Limited to")));
        /** @type {{ [part: string]: HTMLInputElement }} */
        this.parts = {};
        const names = { count: _("sessions"), days: _("days"), hours: _("hours"), minutes: _("minutes") };
        this.numbers = el("span", { class: "numbers" });
        for (const part of /** @type {(keyof typeof names)[]} */ (key === "max_sessions" ? ["count"] : ["days", "hours", "minutes"])) {
            this.parts[part] = el("input", { id: `${key}-${part}`, inputmode: "numeric", size: 5, autocomplete: "off" });
            this.numbers.append(this.parts[part], el("label", { for: `${key}-${part}` }, names[part]));
        }
        this.problem = el("p", { class: "problem", id: `${key}-problem` });
        this.element = el("fieldset", {},
            el("legend", {}, settingName(key)),
            el("label", { for: `${key}-choice`, class: "hidden-visually" }, settingName(key)),
            this.choice, this.now, this.numbers, this.problem);
        this.#fill();
    }

    #fill() {
        const span = this.before === null ? null : parseSpan(this.before);
        this.choice.value = this.before === null ? "unset" : span === NEVER ? "unlimited" : "limited";
        if (this.before !== null && this.parts.count) {
            this.parts.count.value = span === NEVER ? "" : this.before;
        } else if (span !== null && span !== NEVER) {
            const fields = spanFields(span);
            this.parts.days.value = fields.days ? String(fields.days) : "";
            this.parts.hours.value = fields.hours ? String(fields.hours) : "";
            this.parts.minutes.value = fields.minutes ? String(fields.minutes) : "";
            if (fields.rest) {
                this.problem.textContent = format(_("Now $0. Any change is in whole minutes."), this.before);
            }
        }
        this.start = JSON.stringify(this.field());
        this.#show();
    }

    #show() {
        this.numbers.hidden = this.choice.value !== "limited";
        this.now.hidden = this.choice.value !== "unset" || this.now.textContent === "";
    }

    /** Returns the field, without the numbers if they do not apply. @returns {Field} */
    field() {
        if (this.choice.value !== "limited") {
            return { choice: /** @type {Field["choice"]} */ (this.choice.value) };
        }
        const texts = Object.fromEntries(Object.entries(this.parts).map(([part, input]) => [part, input.value]));
        return { choice: "limited", ...texts };
    }

    /**
     * Returns the change of the field: an argument of set, a key to unset, null if it is unchanged, or false if it is
     * invalid. Shows the problem.
     * @returns {{ set: string } | { unset: string } | null | false}
     */
    change() {
        const problems = {
            number: _("Enter whole numbers."),
            range: _("Enter a number from 0 to 1000000."),
            empty: _("Enter a limit, or select “Unlimited”."),
            long: _("The longest time is 100 years."),
        };
        const field = this.field();
        if (JSON.stringify(field) === this.start) {
            return null;
        }
        const result = fieldValue(field);
        const problem = "problem" in result ? problems[result.problem] : "";
        this.problem.textContent = problem;
        for (const input of Object.values(this.parts)) {
            input.setAttribute("aria-invalid", String(problem !== ""));
            input.setAttribute("aria-describedby", problem ? this.problem.id : "");
        }
        if ("problem" in result) {
            return false;
        }
        return field.choice === "unset" ? { unset: this.key } : { set: `${this.key}=${result.value}` };
    }
}

/**
 * Runs sesslimitctl set and unset for the changes. The second command does not run after a failure of the first.
 * @param {{ set: string[], unset: string[], rule: string }} changes
 * @param {boolean} dryRun
 * @returns {Promise<any[]>}  the reports
 */
async function apply({ set, unset, rule }, dryRun) {
    const options = [...(rule ? ["--rule", rule] : []), ...(dryRun ? ["--dry-run"] : [])];
    const reports = [];
    for (const [command, keys] of /** @type {[string, string[]][]} */ ([["set", set], ["unset", unset]])) {
        if (keys.length > 0) {
            reports.push(await sesslimitctl([command, ...options, ...keys]));
            if (reports.at(-1).error !== null) {
                break;
            }
        }
    }
    return reports;
}

async function editLimits() {
    const rule = selectedRule();
    /** @type {{ key: string, value: unknown, file: string }[]} */
    let inFile;
    /** @type {Setting[]} */
    let effective;
    try {
        [inFile, effective] = await Promise.all([
            sesslimitctl(["get", ...(rule ? ["--rule", rule.name] : [])]),
            rule ? [] : daemon.defaults(),
        ]);
    } catch (error) {
        byId("limits-body").prepend(notice("danger", _("The settings could not be read."), el("p", {}, failureText(error))));
        return;
    }
    const inputs = EDITED.map((key) => {
        const own = inFile.find((setting) => setting.key === key && setting.file.endsWith(DROP_IN));
        return new Input(key, own ? written(own.value) : null, effective.find((setting) => setting.name === key));
    });
    const result = el("div", { role: "alert", class: "result" });
    const fields = el("form", { onsubmit: (/** @type {Event} */ event) => event.preventDefault() }, ...inputs.map((input) => input.element));
    const review = button(_("Review"), () => showReview(), { class: "primary" });
    const save = button(_("Save"), () => saveChanges(), { class: "primary", hidden: true });
    const back = button(_("Change"), () => edit(), { hidden: true });
    const close = button(_("Cancel"), () => dialog.close());
    const title = rule ? format(_("Limits of rule “$0”"), shown(rule.name)) : _("Limits of all logins");
    const dialog = openDialog(title, () => [
        el("p", { class: "muted" }, rule ? null : _("A rule that sets a limit replaces it for the logins that it matches.")),
        fields,
        result,
        el("div", { class: "buttons" }, review, save, back, close),
    ]);
    /** @type {{ set: string[], unset: string[], rule: string }} */
    let changes = { set: [], unset: [], rule: "" };

    /** @param {boolean} reviewing */
    function step(reviewing) {
        fields.hidden = reviewing;
        review.hidden = reviewing;
        save.hidden = back.hidden = !reviewing;
    }

    function edit() {
        step(false);
        result.replaceChildren();
        inputs[0].choice.focus();
    }

    async function showReview() {
        const found = inputs.map((input) => input.change());
        if (found.includes(false)) {
            result.replaceChildren();
            inputs[found.indexOf(false)].element.querySelector("input")?.focus();
            return;
        }
        changes = { set: [], unset: [], rule: rule?.name ?? "" };
        for (const change of found) {
            if (change && "set" in change) {
                changes.set.push(change.set);
            } else if (change) {
                changes.unset.push(change.unset);
            }
        }
        if (changes.set.length + changes.unset.length === 0) {
            result.replaceChildren(notice("info", _("Nothing was changed.")));
            return;
        }
        const reports = await attempt(true);
        if (reports) {
            result.replaceChildren(...reports.flatMap(reportNodes));
            step(true);
            save.focus();
        }
    }

    /**
     * Returns the reports, or null after a failure, which it shows.
     * @param {boolean} dryRun
     */
    async function attempt(dryRun) {
        review.disabled = save.disabled = true;
        try {
            const reports = await apply(changes, dryRun);
            const failed = reports.find((report) => report.error !== null);
            if (!failed) {
                return reports;
            }
            step(false);
            result.replaceChildren(
                notice("danger", shown(failed.error), problemList(failed.problems)));
        } catch (error) {
            step(false);
            result.replaceChildren(notice("danger", _("The settings could not be changed."), el("p", {}, failureText(error))));
        } finally {
            review.disabled = save.disabled = false;
        }
        return null;
    }

    async function saveChanges() {
        const reports = await attempt(false);
        if (reports) {
            const states = reports.map((report) => report.reload);
            const title = states.includes("not-running")
                ? _("Saved. The daemon loads the policy when it starts.")
                : states.includes("unknown")
                  ? _("Saved. It is not known whether the daemon has loaded the policy.")
                  : _("Saved and in force");
            result.replaceChildren(notice("info", title), ...reports.flatMap(reportNodes));
            save.hidden = back.hidden = true;
            close.textContent = _("Close");
            close.focus();
            store.refresh();
            readLimits();
        }
    }
}

/** @param {{ severity: string, file: string, line: number | null, what: string }[]} problems */
function problemList(problems) {
    return problems.length === 0
        ? null
        : el("ul", {}, ...problems.map(({ file, line, what }) =>
              el("li", {}, `${shown(file)}${line === null ? "" : `:${line}`}: ${shown(what)}`)));
}

/**
 * Returns the words about the effect of a change.
 * @param {any} change
 */
function effectText({ key, after, effect, applies }) {
    const value = after === null ? _("not set") : shown(written(after));
    const name = `${settingName(key)}: ${value}`;
    const at = applies?.file ? `${shown(applies.file)}:${applies.line ?? ""}` : _("the built-in default");
    const other = shown(applies?.value ?? "");
    switch (effect) {
        case "later-file":
            return format(_("$0. No effect, because $1 comes later: $2 applies."), name, at, other);
        case "stricter":
            return format(_("$0. No effect, because $1 is stricter: $2 applies."), name, at, other);
        case "preferred":
            return format(_("$0. No effect, because $1 takes precedence: $2 applies."), name, at, other);
        case "not-set":
            return format(_("$0. $1 applies, set by $2."), name, other || "–", at);
        default:
            return format(_("$0. Takes effect."), name);
    }
}

/**
 * @param {any} report  of set or unset, see docs/schema/set.json
 * @returns {Node[]}
 */
function reportNodes(report) {
    const nodes = [];
    /** @type {string[]} */
    const observed = [];
    const items = report.changes.map((/** @type {any} */ change) => {
        if (change.observed_by) {
            observed.push(`${shown(change.observed_by.file)}:${change.observed_by.line}`);
        }
        const rules = change.rules.map((/** @type {any} */ rule) =>
            el("li", {}, format(_("Rule “$0” ($1:$2) sets $3."), shown(rule.rule ?? ""), shown(rule.file ?? ""), rule.line, shown(rule.value))));
        return el("li", {}, effectText(change), rules.length ? el("ul", {}, ...rules) : null);
    });
    nodes.push(el("ul", { class: "effects" }, ...items));
    if (observed.length > 0) {
        nodes.push(notice("warning", format(_("Limits are only logged, because $0 sets mode = \"observe\"."), observed[0])));
    }
    if (report.problems.length > 0) {
        nodes.push(notice("warning", _("Warnings"), problemList(report.problems)));
    }
    if (report.lockout.length > 0) {
        nodes.push(notice("danger", _("You may lock yourself out"),
            el("ul", {}, ...report.lockout.map((/** @type {string} */ sentence) => el("li", {}, shown(sentence))))));
    }
    if (!report.sessions_known) {
        nodes.push(notice("info", _("It is not known which sessions end earlier, because the daemon did not report them.")));
    }
    if (report.ending_sooner.length > 0) {
        const now = daemon.now();
        const sooner = report.ending_sooner.slice(0, 20).map((/** @type {any} */ session) => {
            const end = Math.min(session.duration_ends_at ?? NEVER, session.idle_ends_at ?? NEVER);
            return el("li", {}, format(_("session $0 of $1 in $2"), shown(session.id), shown(session.user), spanText(end - now)));
        });
        nodes.push(notice("warning", _("Sessions that end earlier"), el("ul", {}, ...sooner)));
    }
    return nodes;
}
