// SPDX-License-Identifier: MIT
// Connects the parts of the page.

import "./theme.js";
import { buildChart, drawChart, readChart } from "./chart.js";
import { _, daemon, fleet, format, isHidden, language, onPath, onVisibility, path, startDaemon } from "./client.js";
import { drawDetails, openDetails, readDetails, sessionsChanged } from "./details.js";
import { button, byId, el, notice, setText } from "./dom.js";
import { buildExplain } from "./explain.js";
import { buildHistory, readHistory } from "./history.js";
import { buildLimits, readLimits, retryLimits } from "./limits.js";
import { buildList, drawList, drawTimes } from "./list.js";
import { endOf, MINUTE, shown } from "./model.js";
import { store } from "./store.js";
import { endText, failureText } from "./text.js";

const TICK = 1_000; // milliseconds
const READ_EVERY = 5; // ticks
const OWN_WARNING = 15 * MINUTE; // the time left from which a banner shows the end of the user's own session

/** @type {ReturnType<typeof setInterval> | undefined} */
let ticking;
let ticks = 0;
let banners = "";
let wasReady = false;
/** The module is loaded when the view opens, because few hosts are in a fleet. @type {typeof import("./fleet.js") | null} */
let fleetView = null;

/** Returns the messages about the state of the daemon and of the policy. @returns {HTMLElement[]} */
function bannersOf() {
    const { state, status, failure } = store;
    if (state === "missing") {
        return [notice("danger", _("sesslimitd is not installed."), el("p", {}, _("Install the package sesslimit.")))];
    }
    if (state === "stopped") {
        const start = button(_("Start"), async () => {
            try {
                await startDaemon();
            } catch (error) {
                start.after(el("p", { role: "alert" }, failureText(error)));
            }
        });
        return [
            notice("danger", _("sesslimitd does not run. Limits are not enforced."),
                el("p", {}, _("This page continues by itself after the daemon has started.")),
                store.administrator ? start : null),
        ];
    }
    if (state === "slow") {
        return [
            notice("warning", _("sesslimitd does not answer in time."),
                el("p", {}, _("This page asks again every few seconds."))),
        ];
    }
    if (state === "failed") {
        return [notice("danger", _("sesslimitd does not answer as expected."), el("p", {}, shown(failure)))];
    }
    if (!status) {
        return [];
    }
    const found = [];
    if (!status.clock) {
        found.push(notice("info", _("The running daemon is older than this page."),
            el("p", {}, format(_("Version $0 lacks some functions. Restart sesslimitd.service after an upgrade."), status.version))));
    }
    if (status.policyState !== "files" || status.problems.length > 0) {
        const title = status.policyState === "none"
            ? _("The policy files contain errors. No policy is in effect, and limits are not enforced.")
            : _("The policy files contain errors. The last valid policy stays in effect.");
        const problems = status.problems.slice(0, 20).map((problem) => el("li", {}, shown(problem)));
        found.push(notice("danger", title,
            problems.length > 0 ? el("ul", {}, ...problems) : el("p", {}, _("Run “sesslimitctl check” for the errors."))));
    }
    if (!status.recording) {
        found.push(notice("warning", _("The daemon cannot record sessions. A restart of it forgets when they began.")));
    }
    const observed = [...store.sessions.values()].filter((session) => session.observed).length;
    if (observed > 0) {
        found.push(notice("warning", _("Observe mode"),
            el("p", {}, format(_("The limits of $0 of $1 sessions are only logged. These sessions are not terminated."), observed, store.sessions.size))));
    }
    return found;
}

function drawBanners() {
    const found = bannersOf();
    const text = found.map((banner) => banner.textContent).join("\n");
    if (text !== banners) {
        banners = text;
        byId("banners").replaceChildren(...found);
    }
}

function drawOwnEnd() {
    const own = store.own();
    const left = own ? endOf(own).at - daemon.now() : Infinity;
    const banner = byId("own-end");
    banner.hidden = !own || own.observed || own.state === "ending" || left > OWN_WARNING;
    if (own && !banner.hidden) {
        const { text, limit } = endText(own, daemon.now());
        setText(banner, format(_("Your session, which shows this page, ends in $0: $1."), text, limit));
    }
}

/** Reads all that the store does not follow. */
function readParts() {
    readLimits();
    readHistory();
    readChart();
    readDetails();
    findFleet();
    fleetView?.readFleet();
}

function draw() {
    byId("content").hidden = store.state !== "ready";
    byId("title").hidden = store.state === "ready"; // the content has a title of its own
    byId("loading").hidden = store.state !== "loading";
    drawBanners();
    drawOwnEnd();
    const ready = store.state === "ready";
    if (ready) {
        drawList();
        sessionsChanged();
        drawChart();
        if (!wasReady) {
            readParts();
        }
    }
    wasReady = ready;
}

function tick() {
    ticks += 1;
    drawTimes();
    drawOwnEnd();
    if (ticks % READ_EVERY === 0) {
        readDetails();
        retryLimits();
    } else {
        drawDetails();
    }
}

/** @param {boolean} hidden */
function setTicking(hidden) {
    clearInterval(ticking);
    ticking = hidden ? undefined : setInterval(tick, TICK);
}

/** Shows the button that opens the view of the fleet if the host is in one. */
async function findFleet() {
    if (store.administrator && !isHidden()) {
        byId("open-fleet").hidden = !(await fleet.exists());
    }
}

/** Shows or hides the view of the fleet. */
async function openFleet() {
    const isWanted = () => path()[0] === "fleet";
    if (isWanted()) {
        fleetView ??= await import("./fleet.js");
    }
    fleetView?.openFleet(isWanted()); // the address can change while the module is loaded
}

function showPath() {
    const [view, id] = path();
    const session = view === "session" && id ? id : "";
    byId("overview").hidden = session !== "" || view === "fleet";
    openDetails(session);
    openFleet();
}

document.documentElement.lang = language.replace("_", "-");
document.title = _("Login sessions");
setText(byId("title"), document.title);
setText(byId("loading"), _("Connecting to sesslimitd …"));
buildList();
buildLimits();
buildExplain();
store.onChange(draw);
store.onSignal((signal) => {
    if (signal === "PolicyChanged") {
        readLimits();
    }
});
onVisibility((hidden) => {
    setTicking(hidden);
    if (!hidden) {
        readParts();
    }
});
await store.identify();
buildChart();
buildHistory();
onPath(showPath);
setTicking(isHidden());
await store.start();
showPath();
