// SPDX-License-Identifier: MIT
// The confirmation before sessions are terminated. It names what ends and what stays.

import { _, daemon, Failure, format, ngettext } from "./client.js";
import { button, definitions, el, notice, openDialog } from "./dom.js";
import { shown } from "./model.js";
import { store } from "./store.js";
import { failureText, fromText, nameText, processesText, serviceText } from "./text.js";

/** @import { Preview, Session } from "./model.js" */

/** @typedef {{ id: string } | { uid: number } | { credential: string }} Target */

const MAX_LISTED = 20;
const MAX_MESSAGE = 256; // bytes of UTF-8, of the daemon

/**
 * Returns the sessions of the target, without those that are being terminated.
 * @param {Target} target
 */
function sessionsOf(target) {
    return [...store.sessions.values()].filter((session) =>
        session.state !== "ending" &&
        ("id" in target
            ? session.id === target.id
            : "uid" in target
              ? session.uid === target.uid
              : session.credential === target.credential)
    );
}

/**
 * @param {Target} target
 * @param {Session | undefined} first
 */
function titleOf(target, first) {
    if ("id" in target) {
        return format(_("End session $0 of $1?"), target.id, first ? nameText(first) : "");
    }
    return "uid" in target
        ? format(_("End all sessions of $0?"), first ? nameText(first) : `uid:${target.uid}`)
        : _("End all sessions of this credential?");
}

/**
 * @param {Session} session
 * @param {boolean} requested  true if the termination is requested by a user, and not by a limit
 */
export function consequences(session, requested) {
    /** @type {Preview} */
    const preview = session.preview ?? { processes: 0, commands: [], kept: [], otherUnits: [], lingers: false };
    const commands = preview.commands.map(shown).join(", ");
    const manager = format(_("processes of user@$0.service, such as those of systemd-run --user"), session.uid);
    const units = preview.otherUnits.map(shown).join(", ");
    const kept = preview.kept.map(shown).join(", ");
    return definitions([
        [_("Ends"), commands ? `${processesText(preview.processes)}: ${commands}` : processesText(preview.processes)],
        [_("Is kept"), kept === "" ? null : requested ? format(_("nothing; a request also ends $0"), kept) : kept],
        [_("Stays"), units || format(_("nothing at present; in general $0"), manager)],
        [_("Lingering"), preview.lingers ? _("The user's service manager stays.") : null],
    ]);
}

/**
 * Lists the first texts, and the number of the others.
 * @param {string[]} texts
 */
export function shortList(texts) {
    const rest = texts.length - MAX_LISTED;
    return el("div", {},
        el("ul", {}, ...texts.slice(0, MAX_LISTED).map((text) => el("li", {}, text))),
        rest > 0 ? el("p", {}, format(_("and $0 more"), rest)) : null);
}

/** @param {number} count */
export function endingText(count) {
    return format(ngettext("$0 session ends:", "$0 sessions end:", count), count);
}

/** @param {Session[]} sessions */
function sessionList(sessions) {
    const texts = sessions.map((session) =>
        [session.id, nameText(session), serviceText(session), fromText(session)].filter(Boolean).join(" · "));
    return el("div", {}, el("p", {}, endingText(sessions.length)), shortList(texts));
}

/**
 * A dialog that asks for a message to the users and for confirmation.
 * @typedef {object} Question
 * @property {HTMLDialogElement} dialog
 * @property {HTMLElement} fields          the message
 * @property {HTMLButtonElement} confirm
 * @property {HTMLButtonElement} cancel
 * @property {HTMLElement} problem         where failures are shown
 * @property {(error: unknown) => void} fail  shows the failure of the request, which can be repeated
 */

/**
 * Opens the dialog. After the confirmation, `send` gets the message and the dialog, which it closes.
 * @param {{ title: string, action: string, what: HTMLElement, longest: number,
 *     send: (message: string, question: Question) => Promise<void> }} content  `longest`: of the message, in bytes of UTF-8
 * @returns {Question}
 */
export function askBeforeEnd({ title, action, what, longest, send }) {
    const problem = el("div", { role: "alert" });
    const message = el("input", { id: "end-message", autocomplete: "off", "aria-describedby": "end-message-help" });
    const fields = el("div", {},
        el("label", { for: "end-message" }, _("Message to the user (optional)")),
        message,
        el("p", { id: "end-message-help", class: "muted" }, _("It appears on the terminals below the reason.")));
    const confirm = button(action, async () => {
        const text = message.value.trim();
        if (new TextEncoder().encode(text).length > longest) {
            problem.replaceChildren(notice("danger", format(_("The message has more than $0 bytes."), longest)));
            return;
        }
        confirm.disabled = true;
        await send(text, question);
    }, { class: "danger primary" });
    const cancel = button(_("Cancel"), () => dialog.close());
    const dialog = openDialog(title, () => [what, fields, problem, el("div", { class: "buttons" }, confirm, cancel)]);
    /** @type {Question} */
    const question = { dialog, fields, confirm, cancel, problem, fail };

    /** @param {unknown} error */
    function fail(error) {
        confirm.disabled = false;
        problem.replaceChildren(notice("danger", _("The request failed."), el("p", {}, failureText(error))));
    }

    return question;
}

export function ownNotice() {
    return notice("warning", _("This is the session of this page. You will be logged out of Cockpit."));
}

/**
 * Asks for confirmation, and terminates the sessions.
 * @param {Target} target
 */
export async function confirmEnd(target) {
    const [first] = sessionsOf(target);
    const what = el("div", { class: "dialog-body" }, "id" in target ? el("p", {}, _("Reading the processes …")) : null);
    const question = askBeforeEnd({
        title: titleOf(target, first),
        action: "id" in target ? _("End session") : _("End sessions"),
        what,
        longest: MAX_MESSAGE,
        send: async (message) => {
            try {
                await daemon.end(target, message);
                question.dialog.close();
            } catch (error) {
                fail(error);
            }
            store.refresh();
        },
    });

    /** @param {unknown} error */
    function fail(error) {
        if (error instanceof Failure && error.kind === "gone") {
            gone();
        } else {
            question.fail(error);
        }
    }

    // The sessions can end or change while the dialog is open.
    let listed = "";
    function redraw() {
        if (!question.dialog.isConnected) {
            return;
        }
        const sessions = sessionsOf(target);
        const ids = sessions.map((session) => session.id).join(" ");
        if (sessions.length === 0 && store.state === "ready") {
            gone();
        } else if (ids !== listed && !("id" in target)) {
            const own = sessions.some((session) => session.id === store.me.session);
            what.replaceChildren(sessionList(sessions), ...(own ? [ownNotice()] : []));
        }
        listed = ids;
        setTimeout(redraw, 500);
    }

    function gone() {
        question.confirm.hidden = true;
        const text = "id" in target ? _("This session has ended.") : _("All of these sessions have ended.");
        question.problem.replaceChildren(notice("info", text));
    }

    redraw();
    if ("id" in target) {
        try {
            const session = await daemon.session(target.id);
            const own = session.id === store.me.session;
            what.replaceChildren(consequences(session, true), ...(own ? [ownNotice()] : []));
        } catch (error) {
            fail(error);
        }
    }
}
