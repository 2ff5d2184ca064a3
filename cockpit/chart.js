// SPDX-License-Identifier: MIT
// A chart of the number of open sessions over the last 24 hours, for administrators. The journal is read when the chart
// comes into view. The chart then follows the list of sessions, and does not read the journal again until the page was
// hidden or the daemon was restarted.

import { _, daemon, format, isHidden, journalOfSessions, language, ngettext } from "./client.js";
import { byId, el, notice, table } from "./dom.js";
import { DAY, MINUTE } from "./model.js";
import { store } from "./store.js";
import { failureText, timeText } from "./text.js";
import { entryOf, roundTimes, scaleOf, Timeline } from "./timeline.js";

/** @import { Counts, Entry } from "./timeline.js" */

const MAX_ENTRIES = 5_000; // journalctl needs about 15 µs of processor time for each
const PARTS = 144;
const ROWS = 24; // of the table
const HEIGHT = 160; // pixels
const TOP = 8; // pixels above the highest line of the scale
const BOTTOM = 24; // pixels below the lowest one
const DRAW_EVERY = MINUTE;

const timeline = new Timeline();
let inView = false;
/** @type {"unread" | "reading" | "read" | "failed"} */
let state = "unread";
let isOutdated = false; // the journal is read again after the current read
let drawnAt = 0;

const clock = new Intl.DateTimeFormat(language.replace("_", "-"), { hour: "numeric", minute: "2-digit" });
const day = new Intl.DateTimeFormat(language.replace("_", "-"), { day: "numeric", month: "short" });

/** Fills the card once. */
export function buildChart() {
    byId("chart").hidden = !store.administrator;
    if (!store.administrator) {
        return;
    }
    byId("chart").replaceChildren(
        el("h2", {}, _("Sessions over the last 24 hours")),
        el("div", { id: "chart-body" }),
        el("details", { id: "chart-table", hidden: true }, el("summary", {}, _("Show as a table"))));
    new IntersectionObserver((entries) => {
        inView = entries.at(-1)?.isIntersecting ?? false;
        drawChart();
    }).observe(byId("chart"));
}

/** Reads the journal again when the chart is in view. */
export function readChart() {
    if (state === "reading") {
        isOutdated = true;
    } else {
        state = "unread";
    }
    drawChart();
}

/** Called after each change of the sessions, and at least every 15 s. */
export function drawChart() {
    if (!store.administrator || store.state !== "ready" || isHidden()) {
        return;
    }
    if (state === "unread" && inView) {
        readEntries();
    }
    if (state !== "read") {
        return;
    }
    const now = daemon.now();
    if (timeline.follow([...store.sessions.values()], now)) {
        drawnAt = 0;
    }
    if (inView && Math.abs(now - drawnAt) >= DRAW_EVERY) {
        drawnAt = now;
        draw(timeline.counts(now, PARTS));
    }
}

async function readEntries() {
    state = "reading";
    isOutdated = false;
    /** @type {Entry[]} */
    const entries = [];
    try {
        await journalOfSessions(MAX_ENTRIES, (line) => {
            const entry = entryOf(line);
            if (entry) {
                entries.push(entry);
            }
        });
        timeline.load(entries, [...store.sessions.values()]);
        drawnAt = 0;
        state = "read";
    } catch (error) {
        state = "failed";
        byId("chart-table").hidden = true;
        byId("chart-body").replaceChildren(notice("info", _("The journal could not be read."), el("p", {}, failureText(error))));
    }
    if (isOutdated) {
        state = "unread";
    }
    drawChart();
}

/** @param {Counts} counts */
function draw(counts) {
    const isEmpty = !Number.isFinite(counts.start);
    byId("chart-table").hidden = isEmpty;
    byId("chart-table").querySelector("table")?.remove();
    if (isEmpty) {
        byId("chart-body").replaceChildren(el("p", { class: "muted" }, _("The journal has no entries about sessions.")));
        return;
    }
    const most = format(
        ngettext("At most $0 session was open at the same time, first on $1.",
            "At most $0 sessions were open at the same time, first on $1.", counts.most),
        counts.most, timeText(counts.mostAt));
    const now = format(ngettext("Now $0 session is open.", "Now $0 sessions are open.", counts.last), counts.last);
    const begin = counts.end - counts.start < DAY - MINUTE
        ? format(_("The entries of the journal that were read begin on $0."), timeText(counts.start))
        : "";
    byId("chart-body").replaceChildren(
        el("figure", {},
            el("figcaption", { id: "chart-text" }, [most, now, begin].filter(Boolean).join(" ")),
            drawing(counts)));
    byId("chart-table").append(tableOf(counts));
}

/**
 * @param {string} tag
 * @param {{ [name: string]: string | number }} attributes
 * @param {...(Node | string)} children
 */
function svg(tag, attributes, ...children) {
    const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
    for (const [name, value] of Object.entries(attributes)) {
        element.setAttribute(name, String(value));
    }
    element.append(...children);
    return element;
}

/** @param {Counts} counts */
function drawing({ start, end, peaks }) {
    const scale = scaleOf(Math.max(...peaks));
    const top = scale[scale.length - 1];
    const height = HEIGHT - TOP - BOTTOM;
    const steps = peaks.map((peak, at) => `V${top - peak}H${at + 1}`).join("");
    const line = `M0 ${top - peaks[0]}${steps}`;
    const shift = -new Date(end / 1000).getTimezoneOffset() * MINUTE;
    const labels = roundTimes(start, end, shift).map((at, number) => {
        const x = `${(((at - start) / (end - start)) * 100).toFixed(2)}%`;
        const isMidnight = (at + shift) % DAY === 0;
        return svg("g", { class: number % 2 === 1 ? "minor" : "" },
            svg("line", { x1: x, x2: x, y1: HEIGHT - BOTTOM, y2: HEIGHT - BOTTOM + 4 }),
            svg("text", { x, y: HEIGHT - 4, "text-anchor": "middle" }, (isMidnight ? day : clock).format(at / 1000)));
    });
    const lines = scale.map((value) => {
        const y = TOP + height * (1 - value / top);
        return svg("g", {},
            svg("line", { x1: 0, x2: "100%", y1: y, y2: y }),
            svg("text", { x: -8, y: y + 4, "text-anchor": "end" }, String(value)));
    });
    return svg("svg", { class: "chart", role: "img", "aria-labelledby": "chart-text", height: HEIGHT },
        ...lines, ...labels,
        svg("svg", { y: TOP, width: "100%", height, viewBox: `0 0 ${peaks.length} ${top}`, preserveAspectRatio: "none" },
            svg("path", { class: "area", d: `${line}V${top}H0Z` }),
            svg("path", { class: "line", d: line })));
}

/** @param {Counts} counts */
function tableOf({ start, end, peaks }) {
    const perRow = PARTS / ROWS;
    const rows = Array.from({ length: ROWS }, (_row, at) => {
        const from = start + ((end - start) * at) / ROWS;
        return [timeText(from), String(Math.max(...peaks.slice(at * perRow, (at + 1) * perRow)))];
    });
    return table(_("Sessions over the last 24 hours"), [_("Time"), _("Sessions at the same time, at most")], rows.reverse());
}
