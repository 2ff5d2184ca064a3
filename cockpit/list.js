// SPDX-License-Identifier: MIT
// The list of sessions. Only rows on the page are drawn, and only the cells that differ.

import { _, daemon, format, go, ngettext } from "./client.js";
import { button, byId, el, setText, setTime } from "./dom.js";
import { confirmEnd } from "./end.js";
import { filtered, sorted } from "./model.js";
import { store } from "./store.js";
import { endText, fromText, idleText, nameText, serviceText, stateText, timeText } from "./text.js";

/** @import { Session } from "./model.js" */

const PAGE = 100; // rows

/**
 * A row of the table. Its session is the one that the row shows.
 * @typedef {{ session: Session, row: HTMLTableRowElement, cells: { [name: string]: HTMLElement } }} Row
 */

/** @type {Map<number, Row>} by the number of the session */
const rows = new Map();
/** @type {Session[]} */
let displayed = [];
let count = PAGE;
let order = { column: "ends", descending: false };
/** @type {HTMLTableSectionElement} */
let body;
/** @type {HTMLInputElement} */
let filter;

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
    filter = el("input", { type: "search", id: "filter", placeholder: _("Filter"), autocomplete: "off", oninput: drawList });
    const head = el("tr");
    for (const { name, title, sort } of columns()) {
        const sorting = button(title, () => sortBy(name), { class: "sort" });
        head.append(el("th", { scope: "col", class: `column-${name}` }, sort ? sorting : title));
    }
    head.append(el("th", { scope: "col" }, el("span", { class: "hidden-visually" }, _("Actions"))));
    body = el("tbody");
    const more = button(_("Show more"), () => {
        count += PAGE;
        drawList();
    });
    more.id = "more";
    byId("list").replaceChildren(
        el("div", { class: "toolbar" },
            el("h1", {}, _("Login sessions")),
            el("label", { for: "filter", class: "hidden-visually" }, _("Filter sessions")),
            filter,
            el("span", { id: "count", role: "status" })),
        el("table", { id: "sessions" },
            el("caption", { class: "hidden-visually" }, _("Login sessions")),
            el("thead", {}, head),
            body),
        el("p", { id: "empty", class: "muted", hidden: true }),
        more
    );
    store.followed = () => displayed;
    markOrder();
}

/** @param {string} column */
function sortBy(column) {
    order = { column, descending: order.column === column && !order.descending };
    markOrder();
    drawList();
}

function markOrder() {
    for (const { name, sort } of columns()) {
        const heading = byId("list").querySelector(`th.column-${name}`);
        if (sort && heading) {
            const direction = order.descending ? "descending" : "ascending";
            heading.setAttribute("aria-sort", order.column === name ? direction : "none");
        }
    }
}

/** Draws the list after a change of the sessions, the filter or the order. */
export function drawList() {
    const found = filtered([...store.sessions.values()], filter.value);
    displayed = sorted(found, order.column, order.descending).slice(0, count);
    const keys = new Set(displayed.map((session) => session.key));
    for (const [key, { row }] of rows) {
        if (!keys.has(key)) {
            row.remove();
            rows.delete(key);
        }
    }
    /** @type {Element | null} */
    let next = body.firstElementChild;
    for (const session of displayed) {
        let row = rows.get(session.key);
        if (!row) {
            row = createRow(session);
            rows.set(session.key, row);
        }
        row.session = session;
        if (row.row === next) {
            next = next.nextElementSibling;
        } else {
            body.insertBefore(row.row, next);
        }
        drawRow(row);
    }
    const all = store.sessions.size;
    setText(
        byId("count"),
        found.length === all
            ? format(ngettext("$0 session", "$0 sessions", all), all)
            : format(_("$0 of $1 sessions"), found.length, all)
    );
    byId("more").hidden = found.length <= count;
    byId("sessions").hidden = found.length === 0;
    byId("empty").hidden = found.length > 0;
    setText(byId("empty"), all === 0 ? _("No sessions are open.") : _("No session matches the filter."));
    drawTimes();
}

/**
 * @param {Session} session
 * @returns {Row}
 */
function createRow(session) {
    const cells = {
        name: button("", () => go("session", entry.session.id), { class: "link" }),
        own: el("span", { class: "badge own" }),
        state: el("span", { class: "badge" }),
        below: el("span", { class: "below" }),
        session: el("td", { class: "column-session" }),
        from: el("td", { class: "column-from" }),
        since: el("td", { class: "column-since" }),
        idle: el("td", { class: "column-idle time" }),
        left: el("time", { class: "time" }),
        limit: el("span", { class: "muted limit" }),
        end: button(_("End"), () => confirmEnd({ id: entry.session.id }), { class: "danger" }),
    };
    const row = el("tr", {},
        el("th", { scope: "row", class: "column-user" }, cells.name, cells.own, cells.state, cells.below),
        cells.session, cells.from, cells.since, cells.idle,
        el("td", { class: "column-ends" }, cells.left, cells.limit),
        el("td", { class: "column-action" }, cells.end));
    /** @type {Row} */
    const entry = { session, row, cells };
    return entry;
}

/** @param {Row} entry */
function drawRow({ session, row, cells }) {
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
    for (const { session, cells } of rows.values()) {
        setText(cells.idle, idleText(session, now));
        const { text, limit, at } = endText(session, now);
        setText(cells.left, text);
        setText(cells.limit, limit);
        setTime(cells.left, at, timeText);
    }
}
