// SPDX-License-Identifier: MIT
// The views of the page, as the scenarios read and use them.

import assert from "node:assert/strict";

import { ctl, until } from "./machine.mjs";

export const POLICY = `version = 1
[defaults]
max_duration = "8h"
idle_timeout = "15min"
[[rule]]
name = "contractors"
match.user = ["bob"]
max_sessions = 5
max_duration = "14min"
`;

/** Returns the rows of the list. */
export function rowsOf(frame) {
    return frame.$$eval("#sessions tbody tr", (rows) =>
        rows.map((row) => ({
            id: row.dataset.id,
            text: row.innerText,
            end: row.querySelector(".column-action button").checkVisibility(),
            idle: row.querySelector(".column-idle").textContent,
            left: row.querySelector(".column-ends time").textContent,
            at: row.querySelector(".column-ends time").getAttribute("datetime"),
        })));
}

export async function rowOf(frame, id) {
    return (await rowsOf(frame)).find((row) => row.id === id);
}

/** Returns the ID of the newest session of a user, which has this service. */
export function idOf(user, service) {
    return until(`a session of ${user}`, async () => {
        const found = (await ctl("list")).filter((one) => one.user === user && one.service === service && !one.id.startsWith("k"));
        return found.sort((a, b) => b.since - a.since)[0]?.id;
    });
}

export function text(frame, selector) {
    return frame.$eval(selector, (element) => element.innerText);
}

export function waitText(frame, selector, wanted, seconds = 20) {
    return until(`“${wanted}” in ${selector}`, async () =>
        (await text(frame, selector).catch(() => "")).includes(wanted), seconds);
}

/** Opens the dialog for limits, which first reads the settings. */
export async function openLimits(frame) {
    await frame.click("#limits-edit");
    await frame.waitForSelector("dialog[open]");
}

export async function assertAccessible(opened, view) {
    assert.deepEqual(await opened.violations(), [], view);
}

/** Checks that neither the page nor a dialog scrolls sideways. */
export async function assertFits(opened, view) {
    const wide = await opened.frame.evaluate(() => [document.documentElement, ...document.querySelectorAll("dialog")]
        .filter((element) => element.scrollWidth > element.clientWidth).length);
    assert.equal(wide, 0, `${view} scrolls sideways`);
}

/** Names of pictures, with the width and the height of the browser and the style of Cockpit's shell. */
export const STYLES = [
    ["light", 1280, 900, "light"], ["390", 390, 844, "light"], ["dark", 1280, 900, "dark"], ["dark-390", 390, 844, "dark"],
];

/** Sets the style of Cockpit's shell, as its menu does. */
export async function useStyle(opened, style) {
    await opened.page.evaluate((wanted) => {
        localStorage.setItem("shell:style", wanted);
        for (const { contentWindow: each } of document.querySelectorAll("iframe")) {
            each.dispatchEvent(new each.CustomEvent("cockpit-style", { detail: { style: wanted } }));
        }
        for (const theme of ["pf-theme-dark", "pf-v5-theme-dark", "pf-v6-theme-dark"]) {
            document.documentElement.classList.toggle(theme, wanted === "dark");
        }
    }, style);
    assert.equal(await opened.frame.getAttribute("html", "data-theme"), style);
}

/** Presses Tab until all controls that are visible had the focus. Returns their number. */
export async function tabThrough(opened, scope) {
    const all = await opened.frame.$$eval(
        `${scope} :is(button, input, select, summary)`,
        (controls) => controls.filter((control) => control.checkVisibility() && !control.disabled)
            .map((control, at) => (control.dataset.tested = String(at))).length);
    const reached = new Set();
    for (let presses = 0; presses < all * 2 + 20 && reached.size < all; presses += 1) {
        const tested = await opened.frame.evaluate(() => document.activeElement?.dataset.tested);
        if (tested !== undefined) {
            reached.add(tested);
        }
        await opened.page.keyboard.press("Tab");
    }
    assert.equal(reached.size, all, `controls of ${scope} that Tab does not reach`);
    await opened.frame.$$eval("[data-tested]", (controls) => controls.forEach((control) => delete control.dataset.tested));
    return all;
}
