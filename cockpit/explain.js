// SPDX-License-Identifier: MIT
// The question whether a login would be admitted, and the limits that it would have.

import { _, daemon } from "./client.js";
import { byId, el, notice } from "./dom.js";
import { rulesTable } from "./details.js";
import { settingsTable } from "./limits.js";
import { shown } from "./model.js";
import { failureText } from "./text.js";

/** Fills the card once. */
export function buildExplain() {
    const user = el("input", { id: "explain-user", required: true, autocomplete: "off" });
    const service = el("input", { id: "explain-service", placeholder: "sshd", autocomplete: "off" });
    const origin = el("input", { id: "explain-origin", placeholder: _("this host"), autocomplete: "off" });
    const result = el("div", { id: "explain-result", role: "status" });

    async function ask() {
        const login = { user: user.value.trim(), service: service.value.trim(), origin: origin.value.trim() };
        try {
            const explanation = await daemon.explain(login);
            result.replaceChildren(
                notice("info", shown(explanation.outcome),
                    explanation.counts || !explanation.why ? null : el("p", {}, shown(explanation.why))),
                settingsTable(explanation.settings),
                ...(explanation.rules.length > 0 ? [rulesTable(explanation)] : []));
        } catch (error) {
            result.replaceChildren(notice("danger", failureText(error)));
        }
    }

    byId("explain").replaceChildren(
        el("h2", {}, _("Would this login be admitted?")),
        el("form", { class: "fields", onsubmit: (/** @type {Event} */ event) => { event.preventDefault(); ask(); } },
            el("label", { for: user.id }, _("User")), user,
            el("label", { for: service.id }, _("PAM service")), service,
            el("label", { for: origin.id }, _("Remote address")), origin,
            el("button", { type: "submit", class: "secondary" }, _("Explain"))),
        result);
}
