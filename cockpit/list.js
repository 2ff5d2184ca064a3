// SPDX-License-Identifier: MIT
// The list of sessions.

import { _, daemon, format, go } from "./client.js";
import { button, byId, el, setText, setTime } from "./dom.js";
import { confirmEnd } from "./end.js";
import { filtered, sorted } from "./model.js";
import { PagedTable } from "./paged.js";
import { store } from "./store.js";
import { endText, foundText, fromText, idleText, nameText, serviceText, stateText, timeText } from "./text.js";

/** @import { Session } from "./model.js" */
/** @import { Row } from "./paged.js" */

/** @type {PagedTable<Session>} */
let list;

/** Returns the columns of the table, with keys of the model for those that can be sorted. */
function columns() {
    return [
        { name: "user", title: _("User"), sort: true },
        { name: "session", title: _("Session"), sort: false },
        { name: "from", title: _("From"), sort: true },
        { name: "since", title: _("Since"), sort: true },
        { name: "idle", title: _("Idle"), sort: true },
        { name: "ends", title: _("Ends in"), sort: true },
    ];
}

/** Fills the section of the list once. */
export function buildList() {
    list = new PagedTable({
        table: "sessions",
        prefix: "",
        caption: _("Login sessions"),
        label: _("Filter sessions"),
        columns: columns(),
        hasActions: true,
        order: "ends",
        items: () => [...store.sessions.values()],
        keyOf: (session) => session.key,
        filtered,
        sorted,
        createRow,
        drawRow,
        countText: foundText,
        emptyText: (all) => (all === 0 ? _("No sessions are open.") : _("No session matches the filter.")),
        drawn: drawTimes,
    });
    const fleet = button(_("Fleet"), () => go("fleet"), { id: "open-fleet", class: "secondary", hidden: true });
    byId("list").replaceChildren(...list.elements(el("h1", {}, _("Login sessions")), fleet));
    store.followed = () => list.displayed;
}

/** Draws the list after a change of the sessions. */
export function drawList() {
    list.draw();
}

/**
 * @param {Session} session
 * @returns {Row<Session>}
 */
function createRow(session) {
    const cells = {
        name: button("", () => go("session", entry.item.id), { class: "link" }),
        own: el("span", { class: "badge own" }),
        state: el("span", { class: "badge" }),
        below: el("span", { class: "below" }),
        session: el("td", { class: "column-session" }),
        from: el("td", { class: "column-from" }),
        since: el("td", { class: "column-since" }),
        idle: el("td", { class: "column-idle time" }),
        left: el("time", { class: "time" }),
        limit: el("span", { class: "muted limit" }),
        end: button(_("End"), () => confirmEnd({ id: entry.item.id }), { class: "danger" }),
    };
    const row = el("tr", {},
        el("th", { scope: "row", class: "column-user" }, cells.name, cells.own, cells.state, cells.below),
        cells.session, cells.from, cells.since, cells.idle,
        el("td", { class: "column-ends" }, cells.left, cells.limit),
        el("td", { class: "column-action" }, cells.end));
    /** @type {Row<Session>} */
    const entry = { item: session, row, cells };
    return entry;
}

/** @param {Row<Session>} entry */
function drawRow({ item: session, row, cells }) {
    const own = session.id === store.me.session;
    const service = serviceText(session);
    row.dataset.id = session.id;
    setText(cells.name, nameText(session));
    cells.name.setAttribute("aria-label", format(_("Details of session $0 of $1"), session.id, nameText(session)));
    setText(cells.own, own ? _("this page") : "");
    setText(cells.state, session.state === "left-behind" ? stateText(session) : "");
    setText(cells.session, service ? `${session.id} · ${service}` : session.id);
    setText(cells.from, fromText(session));
    setText(cells.below, `${session.id} · ${service} · ${fromText(session)}`);
    setText(cells.since, timeText(session.since));
    cells.end.hidden = !store.mayEnd(session) || session.state === "ending";
    cells.end.setAttribute("aria-label", format(_("End session $0 of $1"), session.id, nameText(session)));
}

/** Draws the times of the rows, which change every second. */
export function drawTimes() {
    const now = daemon.now();
    for (const { item: session, cells } of list.rows.values()) {
        setText(cells.idle, idleText(session, now));
        const { text, limit, at } = endText(session, now);
        setText(cells.left, text);
        setText(cells.limit, limit);
        setTime(cells.left, at, timeText);
    }
}
