// SPDX-License-Identifier: MIT
// Recently denied logins and terminated sessions, from the journal, for administrators.

import { _, isHidden, journal } from "./client.js";
import { byId, el, notice, table } from "./dom.js";
import { historyOf, shown } from "./model.js";
import { store } from "./store.js";
import { failureText, timeText } from "./text.js";

const COUNT = 50;
const READ_AFTER = 1_500; // milliseconds after a signal; further signals within this time cause no read of their own

/** @type {ReturnType<typeof setTimeout> | undefined} */
let timer;
let displayed = "";

/** Fills the card once, and follows the signals of the daemon. */
export function buildHistory() {
    byId("history").hidden = !store.administrator;
    if (!store.administrator) {
        return;
    }
    byId("history").replaceChildren(el("h2", {}, _("Recently denied and terminated")), el("div", { id: "history-body" }));
    store.onSignal((signal) => {
        if (timer === undefined && (signal === "SessionDenied" || signal === "SessionEnded")) {
            timer = setTimeout(readHistory, READ_AFTER);
        }
    });
}

/** Reads the journal again. */
export async function readHistory() {
    clearTimeout(timer);
    timer = undefined;
    if (!store.administrator || isHidden()) {
        return;
    }
    /** @type {Node} */
    let content;
    try {
        const events = historyOf(await journal(COUNT));
        const cursors = events.map((event) => event.cursor).join();
        if (cursors === displayed && displayed !== "") {
            return;
        }
        displayed = cursors;
        content = events.length === 0
            ? el("p", { class: "muted" }, _("The journal has no such events."))
            : table(
                  _("Recently denied and terminated"),
                  [_("Time"), _("Event")],
                  // The daemon has escaped the messages.
                  events.map((event) => [timeText(event.at), shown(event.message)]));
    } catch (error) {
        displayed = "";
        content = notice("info", _("The journal could not be read."), el("p", {}, failureText(error)));
    }
    byId("history-body").replaceChildren(content);
}
