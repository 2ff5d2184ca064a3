// SPDX-License-Identifier: MIT
// The details of one session: its limits and their origin, and the consequences of its termination.

import { _, daemon, Failure, format, go, isHidden } from "./client.js";
import { button, byId, definitions, el, notice, setText, setTime, table, withPaths } from "./dom.js";
import { confirmEnd, consequences } from "./end.js";
import { settingsTable } from "./limits.js";
import { shown, spanText } from "./model.js";
import { store } from "./store.js";
import { endText, failureText, fromText, idleText, nameText, serviceText, stateText, timeText } from "./text.js";

/** @import { Session } from "./model.js" */
/** @import { Explanation } from "./settings.js" */

/** The displayed session, or null. @type {Session | null} */
let session = null;
/** The ID of the session that is read; empty if there is none or if it has ended. */
let id = "";
/** @type {{ [name: string]: HTMLElement }} */
let live = {};

/** Shows the session with this ID, or hides the details if the ID is empty. @param {string} wanted */
export async function openDetails(wanted) {
    id = wanted;
    session = null;
    byId("details").hidden = id === "";
    if (id !== "") {
        byId("details").replaceChildren(heading(format(_("Session $0"), shown(id))));
        byId("details-title").focus();
        await readDetails();
    }
}

/** @param {string} title */
function heading(title) {
    return el("div", { class: "toolbar" },
        button(_("Login sessions"), () => go(), { class: "link back" }),
        el("h1", { id: "details-title", tabindex: -1 }, title));
}

/** Reads the displayed session again. */
export async function readDetails() {
    const wanted = id;
    if (wanted === "" || isHidden()) {
        return;
    }
    try {
        const found = await daemon.session(wanted);
        const explanation = session?.key === found.key ? null : await daemon.explainSession(found);
        if (wanted !== id) {
            return;
        }
        session = found;
        if (explanation) {
            build(found, explanation);
        }
        drawDetails();
    } catch (error) {
        if (wanted === id) {
            showFailure(error);
        }
    }
}

/** @param {unknown} error */
function showFailure(error) {
    const gone = error instanceof Failure && error.kind === "gone";
    const text = gone ? _("This session has ended.") : _("The session could not be read.");
    const reason = gone ? null : el("p", {}, failureText(error));
    const old = byId("details").querySelector(".notice.state");
    old?.remove();
    const box = notice("info", text, reason);
    box.classList.add("state");
    box.setAttribute("role", "status");
    byId("details").querySelector(".toolbar")?.after(box);
    for (const action of byId("details").querySelectorAll(".actions button")) {
        /** @type {HTMLButtonElement} */ (action).disabled = true;
    }
    session = null; // the next answer builds the details again
    if (gone) {
        id = "";
    }
}

/**
 * @param {Session} found
 * @param {Explanation & { exact: boolean }} explanation
 */
function build(found, explanation) {
    live = {
        state: el("span"),
        terminals: el("span"),
        idle: el("span", { class: "time" }),
        left: el("time", { class: "time" }),
        limit: el("span", { class: "muted limit" }),
        consequences: el("div", {}),
    };
    const { credential, uid } = found;
    const name = nameText(found);
    const actions = store.mayEnd(found)
        ? el("div", { class: "actions buttons" },
              button(_("End session"), () => confirmEnd({ id }), { class: "danger" }),
              button(format(_("End all sessions of $0"), name), () => confirmEnd({ uid })),
              credential && store.administrator
                  ? button(_("End all sessions of this credential"), () => confirmEnd({ credential }))
                  : null)
        : null;
    byId("details").replaceChildren(
        heading(format(_("Session $0 of $1"), found.id, name)),
        actions ?? "",
        el("section", { class: "card" },
            el("h2", {}, _("Session")),
            definitions([
                [_("State"), live.state],
                [_("Ends in"), el("span", {}, live.left, live.limit)],
                [_("Idle"), live.idle],
                [_("Since"), timeText(found.since)],
                [_("From"), found.remoteUser ? `${shown(found.remoteUser)}@${fromText(found)}` : fromText(found)],
                [_("Service and terminals"), live.terminals],
                [_("Seat"), found.seat ? shown(found.seat) : null],
                [_("Credential"), credential ? el("code", {}, shown(credential)) : null],
                [_("Authentication"), found.method ? shown(found.method) : null],
                [_("Unit"), found.scope ? el("code", {}, shown(found.scope)) : null],
                [_("Known from"), found.adopted ? _("logind; the session was not opened through the PAM module") : null],
            ])),
        el("section", { class: "card" },
            el("h2", {}, _("If it is terminated")),
            live.consequences),
        el("section", { class: "card wide" },
            el("h2", {}, _("Limits")),
            explanation.exact
                ? null
                : notice("info", _("These are the limits of a new login with the same user, service and address.")),
            explanation.counts ? null : notice("info", _("The session is not counted."), el("p", {}, shown(explanation.why))),
            settingsTable(explanation.settings),
            explanation.rules.length === 0
                ? el("p", { class: "muted" }, _("No rule matches this session."))
                : rulesTable(explanation)));
}

/** @param {Explanation} explanation */
export function rulesTable(explanation) {
    return table(
        _("Rules that match"),
        [_("Matching rule"), _("Settings"), _("File")],
        explanation.rules.map((rule) => [
            shown(rule.name) + (rule.used ? "" : ` (${_("another value is stricter")})`),
            shown(rule.settings),
            withPaths(`${shown(rule.file)}:${rule.line}`),
        ])
    );
}

/** Draws the values that change. */
export function drawDetails() {
    if (!session) {
        return;
    }
    const now = daemon.now();
    const known = store.sessions.get(session.key);
    // The list has newer idle times and states, but not the consequences of a termination.
    const current = known ? { ...known, preview: session.preview } : session;
    const requested = current.requestedBy ? format(_("requested by $0"), shown(current.requestedBy)) : "";
    const reason = shown(current.reason) || requested;
    setText(live.state, reason ? `${stateText(current)}: ${reason}` : stateText(current));
    setText(live.terminals, serviceText(current));
    setText(live.idle, idleText(current, now));
    const { text, limit, at } = endText(current, now);
    setText(live.left, text);
    setText(live.limit, limit);
    setTime(live.left, at, () => format(_("at $0, $1 after the login"), timeText(at), spanText(at - current.since)));
    const wanted = JSON.stringify([current.preview, current.id]);
    if (live.consequences.dataset.shown !== wanted) {
        live.consequences.dataset.shown = wanted;
        live.consequences.replaceChildren(consequences(current, false));
    }
}

/** Called after each change of the sessions. */
export function sessionsChanged() {
    if (id === "") {
        return;
    }
    if (!store.byId(id) && store.state === "ready") {
        readDetails(); // decides whether it has ended
    } else {
        drawDetails();
    }
}
