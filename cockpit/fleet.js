// SPDX-License-Identifier: MIT
// The view of the fleet: its state, and the hosts and sessions of all hosts. It is read when it opens and on request.

import { _, daemon, fleet, format, go, isHidden, ngettext } from "./client.js";
import { button, byId, definitions, el, notice, setText } from "./dom.js";
import { confirmEndEverywhere } from "./everywhere.js";
import {
    filteredHosts, filteredSessions, latencyText, shortDigest, sizeText, sortedHosts, sortedSessions,
} from "./hosts.js";
import { NEVER, shown, spanText } from "./model.js";
import { PagedTable } from "./paged.js";
import { store } from "./store.js";
import { failureText, foundText, timeText } from "./text.js";

/** @import { Alarm, EtcdNode, FleetSession, FleetStatus, Host } from "./hosts.js" */
/** @import { Row } from "./paged.js" */

let isOpen = false;
let isOutdated = false; // the view is read when the page is visible and no earlier read is under way
let isReading = false;
/** @type {Host[]} */
let hosts = [];
/** @type {FleetSession[]} */
let sessions = [];
/** @type {PagedTable<Host>} */
let hostTable;
/** @type {PagedTable<FleetSession>} */
let sessionTable;

/** Fills the view once. */
function buildFleet() {
    const heading = el("h1", { id: "fleet-title", tabindex: -1 }, _("Fleet"));
    const back = button(_("Login sessions"), () => go(), { class: "link back" });
    if (!store.administrator) {
        byId("fleet").replaceChildren(
            el("div", { class: "toolbar" }, back, heading),
            notice("info", _("The fleet is only shown with administrative access.")));
        return;
    }
    hostTable = new PagedTable(hostContent());
    sessionTable = new PagedTable(sessionContent());
    byId("fleet").replaceChildren(
        el("div", { class: "toolbar" },
            back, heading,
            el("span", { id: "fleet-read", class: "muted", role: "status" }),
            button(_("Refresh"), () => refresh(), { id: "fleet-refresh", class: "secondary" })),
        el("section", { id: "fleet-state", class: "card" }),
        card("fleet-hosts", hostTable.elements(el("h2", {}, _("Hosts"))), null),
        card("fleet-sessions", sessionTable.elements(el("h2", {}, _("Sessions on all hosts"))), endForm()));
}

/**
 * Returns a card that is filled by show() or fail().
 * @param {string} table
 * @param {Node[]} elements
 * @param {HTMLElement | null} after
 */
function card(table, elements, after) {
    return el("section", { class: "card", id: `${table}-card` },
        el("div", { id: `${table}-notes` }),
        el("div", { id: `${table}-body`, hidden: true }, ...elements),
        after);
}

/** Returns the form that terminates the sessions of a user, also of one that is not listed. */
function endForm() {
    const user = el("input", { id: "fleet-user", required: true, autocomplete: "off" });
    const submit = (/** @type {Event} */ event) => {
        event.preventDefault();
        if (user.value.trim()) {
            confirmEndEverywhere(user.value.trim(), refresh);
        }
    };
    return el("form", { class: "fields", onsubmit: submit },
        el("label", { for: user.id }, _("End all sessions of a user on all hosts")), user,
        el("button", { type: "submit", class: "danger" }, _("End everywhere")));
}

/** @returns {import("./paged.js").Content<Host>} */
function hostContent() {
    return {
        table: "fleet-hosts",
        prefix: "fleet-hosts-",
        caption: _("Hosts"),
        label: _("Filter hosts"),
        columns: [
            { name: "host", title: _("Host"), sort: true },
            { name: "version", title: _("Version"), sort: true },
            { name: "policy", title: _("Policy"), sort: true },
            { name: "sessions", title: _("Sessions"), sort: true },
        ],
        hasActions: false,
        order: "host",
        items: () => hosts,
        keyOf: (host) => host.name,
        filtered: filteredHosts,
        sorted: sortedHosts,
        createRow: createHostRow,
        drawRow: drawHostRow,
        countText: (found, all) => (found === all
            ? format(ngettext("$0 host", "$0 hosts", all), all)
            : format(_("$0 of $1 hosts"), found, all)),
        emptyText: (all) => (all === 0 ? _("The fleet has no hosts.") : _("No host matches the filter.")),
    };
}

/**
 * @param {Host} host
 * @returns {Row<Host>}
 */
function createHostRow(host) {
    const cells = {
        name: el("span"),
        own: el("span", { class: "badge own" }),
        otherVersion: el("span", { class: "badge differs" }),
        otherPolicy: el("span", { class: "badge differs" }),
        below: el("span", { class: "below" }),
        version: el("td", { class: "column-version" }),
        policy: el("code"),
        sessions: el("td", { class: "column-sessions" }),
    };
    const row = el("tr", {},
        el("th", { scope: "row", class: "column-host" },
            cells.name, cells.own, cells.otherVersion, cells.otherPolicy, cells.below),
        cells.version,
        el("td", { class: "column-policy" }, cells.policy),
        cells.sessions);
    return { item: host, row, cells };
}

/** @param {Row<Host>} row */
function drawHostRow({ item: host, row, cells }) {
    const policy = shown(shortDigest(host.policy)) || "–";
    row.dataset.host = host.name;
    setText(cells.name, shown(host.name));
    setText(cells.own, host.isThis ? _("this host") : "");
    setText(cells.otherVersion, host.otherVersion ? _("other version") : "");
    setText(cells.otherPolicy, host.otherPolicy ? _("other policy") : "");
    setText(cells.below, `${shown(host.version) || "–"} · ${policy}`);
    setText(cells.version, shown(host.version) || "–");
    setText(cells.policy, policy);
    cells.policy.title = shown(host.policy);
    setText(cells.sessions, host.sessions === null ? "–" : String(host.sessions));
}

/** @returns {import("./paged.js").Content<FleetSession>} */
function sessionContent() {
    return {
        table: "fleet-sessions",
        prefix: "fleet-sessions-",
        caption: _("Sessions on all hosts"),
        label: _("Filter sessions by user or another text"),
        columns: [
            { name: "user", title: _("User"), sort: true },
            { name: "host", title: _("Host"), sort: true },
            { name: "since", title: _("Since"), sort: true },
            { name: "service", title: _("Service and terminal"), sort: true },
            { name: "from", title: _("From"), sort: true },
            { name: "rule", title: _("Rule"), sort: true },
            { name: "slot", title: _("Slot"), sort: true },
        ],
        hasActions: true,
        order: "user",
        items: () => sessions,
        keyOf: (session) => `${session.host}\n${session.number}`,
        filtered: filteredSessions,
        sorted: sortedSessions,
        createRow: createSessionRow,
        drawRow: drawSessionRow,
        countText: foundText,
        emptyText: (all) => (all === 0 ? _("No session has a slot of the fleet.") : _("No session matches the filter.")),
    };
}

/**
 * @param {FleetSession} session
 * @returns {Row<FleetSession>}
 */
function createSessionRow(session) {
    const end = button(_("End everywhere"), () => confirmEndEverywhere(entry.item.user, refresh), { class: "danger" });
    /** @type {Row<FleetSession>["cells"]} */
    const cells = { user: el("span"), below: el("span", { class: "below" }), end };
    const columns = ["host", "since", "service", "from", "rule", "slot"];
    for (const column of columns) {
        cells[column] = el("td", { class: `column-${column}` });
    }
    const row = el("tr", {},
        el("th", { scope: "row", class: "column-user" }, cells.user, cells.below),
        ...columns.map((column) => cells[column]),
        el("td", { class: "column-action" }, end));
    /** @type {Row<FleetSession>} */
    const entry = { item: session, row, cells };
    return entry;
}

/** @param {Row<FleetSession>} row */
function drawSessionRow({ item: session, row, cells }) {
    const user = shown(session.user);
    const since = session.since === NEVER ? "–" : timeText(session.since);
    const service = [session.service, session.terminal].filter(Boolean).map(shown).join(", ");
    row.dataset.session = `${session.host}/${session.number}`;
    setText(cells.user, user);
    setText(cells.host, shown(session.host));
    setText(cells.since, since);
    setText(cells.service, service || "–");
    setText(cells.from, shown(session.origin) || "–");
    setText(cells.rule, shown(session.rule) || "–");
    setText(cells.slot, String(session.slot));
    setText(cells.below, [shown(session.host), since, service, shown(session.origin), shown(session.rule),
        format(_("slot $0"), session.slot)].filter(Boolean).join(" · "));
    cells.end.setAttribute("aria-label", format(_("End all sessions of $0 on all hosts"), user));
}

/**
 * Shows or hides the view. It is read each time it opens.
 * @param {boolean} open
 */
export function openFleet(open) {
    byId("fleet").hidden = !open;
    if (open && !isOpen) {
        byId("fleet-title").focus();
        isOutdated = true;
    }
    isOpen = open;
    readFleet();
}

function refresh() {
    isOutdated = true;
    readFleet();
}

/** Reads the view if it is open and has not been read yet, unless the page is hidden. */
export async function readFleet() {
    if (!store.administrator || isReading) {
        return;
    }
    while (isOpen && isOutdated && !isHidden()) {
        isOutdated = false;
        isReading = true;
        setText(byId("fleet-read"), _("Reading …"));
        await Promise.all([readStatus(), readHosts(), readSessions()]);
        isReading = false;
        setText(byId("fleet-read"), format(_("Read on $0."), timeText(daemon.now())));
    }
}

async function readStatus() {
    const place = byId("fleet-state");
    try {
        place.replaceChildren(...statusNodes(await fleet.status()));
    } catch (error) {
        place.replaceChildren(el("h2", {}, _("State")), failure(_("The state of the fleet could not be read."), error));
    }
}

async function readHosts() {
    try {
        hosts = await fleet.hosts();
        show("fleet-hosts", hostNotes());
        hostTable.draw();
    } catch (error) {
        hosts = [];
        show("fleet-hosts", [el("h2", {}, _("Hosts")), failure(_("The hosts could not be read."), error)], false);
    }
}

async function readSessions() {
    try {
        sessions = await fleet.sessions();
        show("fleet-sessions", []);
        sessionTable.draw();
    } catch (error) {
        sessions = [];
        show("fleet-sessions",
            [el("h2", {}, _("Sessions on all hosts")), failure(_("The sessions could not be read."), error)], false);
    }
}

/**
 * Shows notes above a table, and the table.
 * @param {string} table
 * @param {Node[]} notes
 * @param {boolean} hasTable
 */
function show(table, notes, hasTable = true) {
    byId(`${table}-notes`).replaceChildren(...notes);
    byId(`${table}-body`).hidden = !hasTable;
}

/**
 * @param {string} title
 * @param {unknown} error
 */
function failure(title, error) {
    return notice("danger", title, el("p", {}, failureText(error)));
}

/** Returns the warnings about hosts that differ from this one. */
function hostNotes() {
    const policies = hosts.filter((host) => host.otherPolicy).length;
    const versions = hosts.filter((host) => host.otherVersion).length;
    return [
        policies > 0
            ? notice("warning",
                  format(ngettext("The policy of $0 host differs from that of this host.",
                      "The policies of $0 hosts differ from that of this host.", policies), policies),
                  el("p", {}, _("The limit of a login is that of the host on which it takes place.")))
            : null,
        versions > 0
            ? notice("info",
                  format(ngettext("$0 host has another version of sesslimit than this host.",
                      "$0 hosts have another version of sesslimit than this host.", versions), versions))
            : null,
    ].filter((note) => note !== null);
}

/** @param {FleetStatus} status */
function statusNodes(status) {
    return [
        el("h2", {}, _("State")),
        status.up
            ? null
            : notice("danger", _("This host is not in the fleet. Its logins are decided without the fleet."),
                  status.reason ? el("p", {}, shown(status.reason)) : null),
        ...alarmNotices(status.alarms),
        definitions([
            [_("Fleet"), shown(status.fleet)],
            [_("This host"), shown(status.host)],
            [_("State"), status.up ? _("in the fleet") : _("not in the fleet")],
            [_("Version"), shown(status.version) || "–"],
            [_("Sessions of this host"), String(status.sessions)],
            [_("Slots of a lost host are free after"), spanText(status.hostTtl)],
        ]),
        nodeTable(status.nodes),
    ].filter((node) => node !== null);
}

/** @param {Alarm[] | null} alarms */
function alarmNotices(alarms) {
    if (alarms === null) {
        return [notice("info", _("It is not known whether etcd has raised alarms."))];
    }
    return alarms.map(({ type, endpoint }) => {
        const actions = /** @type {{ [type: string]: string }} */ ({
            NOSPACE: _("The quota of etcd is reached. Compact and defragment the database, and then run “etcdctl alarm disarm”."),
            CORRUPT: _("The database of a node of etcd is damaged. Replace the node."),
        });
        const title = endpoint ? format(_("Alarm $0 of $1"), shown(type), shown(endpoint)) : format(_("Alarm $0"), shown(type));
        return notice("danger", title, el("p", {}, actions[type] ?? _("“etcdctl alarm list” shows the alarm.")));
    });
}

/** @param {EtcdNode[]} nodes */
function nodeTable(nodes) {
    const headings = [
        ["node", _("Node of etcd")], ["role", _("Role")], ["version", _("Version")], ["size", _("Database")],
        ["lag", _("Revisions behind")], ["latency", _("Latency")],
    ];
    const rows = nodes.map((node) => {
        const size = sizeText(node.size);
        const database = node.quota === null ? size : format(_("$0 of $1"), size, sizeText(node.quota));
        const role = !node.reachable ? "–" : node.leader ? _("leader") : _("follower");
        const problem = node.reachable ? shown(node.problem) : `${_("not reachable")}: ${shown(node.problem)}`;
        const lag = node.lag === null ? "" : String(node.lag);
        const texts = [role, shown(node.version), database, lag, latencyText(node.latency)];
        return el("tr", {},
            el("th", { scope: "row" },
                shown(node.endpoint),
                el("span", { class: "below" }, [shown(node.version), database].filter(Boolean).join(" · ")),
                el("span", { class: "problem" }, node.reachable && !node.problem ? "" : problem)),
            ...texts.map((text, at) => el("td", { class: `column-${headings[at + 1][0]}` }, text || "–")));
    });
    return el("table", { id: "fleet-nodes" },
        el("caption", { class: "hidden-visually" }, _("Nodes of etcd")),
        el("thead", {}, el("tr", {}, ...headings.map(([name, title]) =>
            el("th", { scope: "col", class: `column-${name}` }, title)))),
        el("tbody", {}, ...rows));
}

buildFleet();
