// SPDX-License-Identifier: MIT
// The confirmation before the sessions of a user are terminated on all hosts of the fleet, and the answers of the hosts.

import { _, fleet, format, ngettext } from "./client.js";
import { el, notice } from "./dom.js";
import { askBeforeEnd, endingText, ownNotice, shortList } from "./end.js";
import { countsByHost, summaryOf } from "./hosts.js";
import { shown } from "./model.js";
import { store } from "./store.js";
import { failureText, sessionsText } from "./text.js";

/** @import { Question } from "./end.js" */
/** @import { Ended, FleetSession } from "./hosts.js" */

const MAX_MESSAGE = 255; // bytes of UTF-8, of sesslimitctl fleet

/** @param {[string, number][]} counts */
function hostList(counts) {
    return shortList(counts.map(([host, count]) => `${shown(host)}: ${sessionsText(count)}`));
}

/** @param {FleetSession[]} sessions */
function endingNodes(sessions) {
    return sessions.length === 0
        ? [el("p", {}, _("No session of this user has a slot of the fleet."))]
        : [el("p", {}, endingText(sessions.length)), hostList(countsByHost(sessions))];
}

/** @param {Ended[]} ended */
function resultNodes(ended) {
    const { sessions, answered, counts, missing } = summaryOf(ended);
    const hosts = format(ngettext("$0 host has answered.", "$0 hosts have answered.", answered), answered);
    const ends = format(ngettext("$0 session is being terminated.", "$0 sessions are being terminated.", sessions), sessions);
    return [
        el("p", {}, `${ends} ${hosts}`),
        counts.length > 0 ? hostList(counts) : null,
        missing.length > 0
            ? notice("warning",
                  format(ngettext("$0 host was not reached:", "$0 hosts were not reached:", missing.length), missing.length),
                  shortList(missing.map(shown)),
                  el("p", {}, _("The sessions there stay open. A host that returns within one hour terminates them then.")))
            : null,
        el("p", { class: "muted" }, _("Hosts that the fleet has lost are not listed. They also terminate the sessions if they return within one hour.")),
    ].filter((node) => node !== null);
}

/**
 * Asks for confirmation, terminates the sessions, and shows the answers.
 * @param {string} user      a name, or "uid:" and an ID
 * @param {() => void} ended  called when the dialog closes after a request
 */
export async function confirmEndEverywhere(user, ended) {
    const what = el("div", { class: "dialog-body", role: "status" }, el("p", {}, _("Reading the sessions …")));
    askBeforeEnd({
        title: format(_("End all sessions of $0 on all hosts?"), shown(user)),
        action: _("End sessions"),
        what,
        longest: MAX_MESSAGE,
        send,
    });
    let isSent = false;

    /**
     * @param {string} message
     * @param {Question} asked
     */
    async function send(message, { dialog, fields, confirm, cancel, problem, fail }) {
        if (!isSent) {
            isSent = true;
            dialog.addEventListener("close", ended);
        }
        const before = [...what.childNodes];
        what.replaceChildren(el("p", {}, _("Waiting for the answers of the hosts …")));
        problem.replaceChildren();
        try {
            const answers = await fleet.endUser(user, message);
            what.replaceChildren(...resultNodes(answers));
            fields.hidden = confirm.hidden = true;
            cancel.textContent = _("Close");
            cancel.focus();
            if (!dialog.isConnected) {
                ended(); // it was closed before the hosts answered
            }
        } catch (error) {
            what.replaceChildren(...before);
            fail(error);
        }
        store.refresh();
    }

    const own = user === store.me.name || user === `uid:${store.me.uid}`;
    /** @type {Node[]} */
    let nodes;
    try {
        nodes = endingNodes(await fleet.sessions(user));
    } catch (error) {
        nodes = [notice("danger", _("The sessions could not be read."), el("p", {}, failureText(error)))];
    }
    if (!isSent) {
        what.replaceChildren(...nodes,
            el("p", { class: "muted" }, _("Sessions to which no limit of the fleet applies also end. They are not listed here.")),
            ...(own ? [ownNotice()] : []));
    }
}
