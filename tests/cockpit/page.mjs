// SPDX-License-Identifier: MIT
// The page in a browser on a machine with sshd, Cockpit and sesslimit. Started by tests/lab/page.py, which lists the
// users: alice may use sudo, bob and carol may not.

import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";

import { Console, launch } from "./browser.mjs";
import { ctl, policy, run, sh, shell, until } from "./machine.mjs";
import { picture, step, watch } from "./steps.mjs";
import {
    assertAccessible, assertFits, idOf, openLimits, POLICY, rowOf, rowsOf, STYLES, tabThrough, text, useStyle, waitText,
} from "./views.mjs";

const DROP_IN = "/etc/sesslimit/policy.d/90-set.toml";
const UNIT = { d: 86400, h: 3600, min: 60, s: 1 };

/** Compares all countdowns of the page with the daemon's answer. Returns their number. */
async function compareCountdowns(frame) {
    const [rows, before] = [await rowsOf(frame), Date.now()];
    let compared = 0;
    for (const one of await ctl("list")) {
        const row = rows.find(({ id }) => id === one.id);
        const end = Math.min(one.duration_ends_at ?? Infinity, one.idle_ends_at ?? Infinity) / 1000;
        if (one.state !== "active") {
            continue;
        }
        assert.ok(row, `no row of session ${one.id}`);
        if (end === Infinity) {
            assert.equal(row.at, "", row.text);
            continue;
        }
        assert.ok(Math.abs(Date.parse(row.at) - end) <= 1000, `${row.text}: ${row.at}, and ${new Date(end).toISOString()}`);
        const shown = [...row.left.matchAll(/(\d+)(d|h|min|s)/g)].reduce((sum, [, number, unit]) => sum + number * UNIT[unit], 0);
        const precision = /\ds/.test(row.left) ? 1 : 60;
        const left = (end - before) / 1000;
        assert.ok(left - shown > -1.5 && left - shown < precision + 1.5, `${row.text}: shows ${shown} s of ${left} s`);
        compared += 1;
    }
    return compared;
}

/** Stores pictures of each view, and checks that it is accessible and does not scroll sideways. */
async function pictures(opened, name, height) {
    const { frame, page } = opened;
    const take = async (view) => {
        await picture(opened, `${view}-${name}`);
        await assertAccessible(opened, `${view} ${name}`);
        await assertFits(opened, `${view} ${name}`);
    };
    const { width } = page.viewportSize();
    await frame.evaluate(() => window.scrollTo(0, 0));
    await take("list");
    await page.setViewportSize({ width, height: 3 * height }); // the cards below the list
    await frame.waitForSelector("#chart svg");
    await take("overview");
    await frame.$eval("#history", (card) => card.scrollIntoView());
    await take("history");
    await page.setViewportSize({ width, height });
    await openLimits(frame);
    await frame.selectOption("#max_duration-choice", "limited");
    await take("limits");
    await page.keyboard.press("Escape");
    const row = `[data-id="${await idOf("bob", "sshd")}"]`;
    await frame.click(`${row} .danger`);
    await waitText(frame, "dialog", "bash");
    await take("end");
    await page.keyboard.press("Escape");
    await frame.click(`${row} .link`);
    await waitText(frame, "#details", "contractors");
    await page.setViewportSize({ width, height: Math.max(height, 1400) });
    await take("details");
    await page.setViewportSize({ width, height });
    await frame.click("#details .back");
    await frame.waitForSelector("#overview:not([hidden])");
}

const browser = await launch();
let bob;
let alice;
const shells = {};

await policy(POLICY);
for (const user of ["alice", "bob"]) {
    shells[user] = await shell(user);
}

await step("unprivileged: no End for others, no Edit, no credentials of others; End and countdown of own sessions", async () => {
    bob = watch(await Console.open(browser, "bob"));
    const frame = await bob.ready();
    const [theirs, own] = [await idOf("alice", "sshd"), await idOf("bob", "sshd")];
    await until("both sessions", async () => (await rowOf(frame, theirs)) && (await rowOf(frame, own)));
    assert.equal((await rowOf(frame, theirs)).end, false);
    assert.equal((await rowOf(frame, own)).end, true);
    await frame.waitForSelector("#limits-body table");
    assert.equal(await frame.isVisible("#limits-edit"), false);
    assert.equal(await frame.isVisible("#history"), false);
    assert.equal(await frame.isVisible("#chart"), false);
    const web = await rowOf(frame, await idOf("bob", "cockpit"));
    assert.match(web.text, /this page/);
    await waitText(frame, "#own-end", "ends in 13min");
    await assertAccessible(bob, "list of bob");
    await frame.click(`[data-id="${theirs}"] .link`);
    await waitText(frame, "#details", "These are the limits of a new login");
    assert.doesNotMatch(await text(frame, "#details"), /SHA256:|publickey/);
    assert.equal(await frame.$("#details .actions"), null);
    await assertAccessible(bob, "details of another user's session");
    await frame.click("#details .back");
    await frame.click(`[data-id="${own}"] .link`);
    await waitText(frame, "#details", "rule “contractors”, /etc/sesslimit/policy.toml:8");
    assert.match(await text(frame, "#details"), /SHA256:/);
    const saw = await text(frame, "#own-end");
    const extra = await shell("bob");
    await frame.click("#details .back");
    await (await frame.waitForSelector(`[data-id="${await idOf("bob", "sshd")}"] .danger`)).click();
    await frame.click("dialog .danger");
    await until("the end of the own shell", () => extra.ended);
    assert.deepEqual(bob.messages, []);
    await bob.close();
    return saw;
});

/** Whether Cockpit can load its frames again. The bridge of version 372 exits then, because of channels with the same ID. */
const reloads = process.env.LAB_COCKPIT !== "cockpit-backports";

await step(reloads ? "administrative access gained and dropped" : "administrative access from the login on", async () => {
    alice = watch(await Console.open(browser, "alice", { administrator: !reloads }));
    const theirs = await idOf("bob", "sshd");
    const states = [];
    for (const access of reloads ? [null, true, false, true] : [null]) {
        const frame = access === null ? await alice.ready() : await alice.superuser(access);
        await until("the row", () => rowOf(frame, theirs));
        await frame.waitForSelector("#limits-body table");
        states.push([(await rowOf(frame, theirs)).end, await frame.isVisible("#limits-edit"), await frame.isVisible("#history")]);
    }
    const [no, yes] = [[false, false, false], [true, true, true]];
    assert.deepEqual(states, reloads ? [no, yes, no, yes] : [yes]);
    await until("the search for a fleet", () => alice.calls.some((call) => call.startsWith("test -S ")));
    assert.equal(await alice.frame.isVisible("#open-fleet"), false);
});

await step("every countdown equals that of sesslimitctl, and Cockpit is never idle from the start (C07)", async () => {
    const frame = alice.frame;
    const web = await idOf("alice", "cockpit");
    await until("the row", () => rowOf(frame, web));
    assert.equal((await rowOf(frame, web)).idle, "never idle");
    const { activity_sources, idle_ends_at } = (await ctl("list")).find((one) => one.id === web);
    assert.deepEqual({ activity_sources, idle_ends_at }, { activity_sources: [], idle_ends_at: null });
    let compared = 0;
    for (let round = 0; round < 3; round += 1) {
        shells.bob.type("x"); // the idle end moves
        await sleep(6_500);
        // Another idle end may have moved a moment ago, and the page reads it within seconds.
        compared += await until("equal countdowns", () => compareCountdowns(frame), 10);
    }
    assert.ok(compared >= 6, String(compared));
    const audit = await run("sh", "-c", "sesslimitctl audit || true");
    assert.match(audit, /[Cc]ockpit/);
    return `${compared} comparisons; ${audit.split("\n").find((line) => /cockpit/i.test(line)).trim()}`;
});

await step("details: the rule with its line, and the processes that end", async () => {
    const { frame } = alice;
    await frame.click(`[data-id="${await idOf("bob", "sshd")}"] .link`);
    await waitText(frame, "#details", "rule “contractors”, /etc/sesslimit/policy.toml:9");
    await waitText(frame, "#details", "bash");
    await assertAccessible(alice, "details");
    await tabThrough(alice, "#details");
    await frame.click("#details .back");
    await frame.fill("#explain-user", "bob");
    await frame.press("#explain-user", "Enter");
    await waitText(frame, "#explain-result", "contractors");
    await assertAccessible(alice, "explanation");
    return (await text(frame, "#explain-result .notice")).trim();
});

await step("a session that ends under an open dialog; End by keyboard, with a message", async () => {
    const { frame, page } = alice;
    const extra = await shell("bob");
    const gone = await idOf("bob", "sshd");
    await (await frame.waitForSelector(`[data-id="${gone}"] .danger`)).click();
    await waitText(frame, "dialog", "bash");
    await run("sesslimitctl", "end", "--no-ask", gone);
    await waitText(frame, "dialog", "This session has ended.");
    assert.equal(await frame.isVisible("dialog button.danger"), false);
    await page.keyboard.press("Escape");
    await until("the end of the row", async () => !(await rowOf(frame, gone)));
    extra.end();

    const id = await idOf("bob", "sshd");
    await frame.focus(`[data-id="${id}"] .danger`);
    await page.keyboard.press("Enter");
    await waitText(frame, "dialog", "bash");
    await assertAccessible(alice, "dialog End");
    await tabThrough(alice, "dialog");
    await frame.focus("#end-message");
    await page.keyboard.type("maintenance at noon");
    await page.keyboard.press("Tab");
    await page.keyboard.press("Enter");
    await shells.bob.expect("maintenance at noon");
    await until("the end of the shell", () => shells.bob.ended);
    await until("the end of the row", async () => !(await rowOf(frame, id)));
    await waitText(frame, "#history", "requested by alice");
    return shells.bob.output.match(/This session was terminated: [^\r\n]*/)?.[0];
});

await step("all sessions of an SSH key, which both users have, and all sessions of a user", async () => {
    const { frame } = alice;
    for (const [name, count] of [["End all sessions of this credential", 3], ["End all sessions of bob", 2]]) {
        const bobs = [await shell("bob"), await shell("bob")];
        const ending = count === 3 ? [...bobs, shells.alice] : bobs;
        await (await frame.waitForSelector(`[data-id="${await idOf("bob", "sshd")}"] .link`)).click();
        await frame.click(`#details .actions >> text="${name}"`);
        await waitText(frame, "dialog", `${count} sessions end:`);
        await assertAccessible(alice, name);
        await frame.click("dialog .danger");
        await until("the end of all shells", () => ending.every((one) => one.ended));
        await waitText(frame, "#details", "This session has ended.");
        await frame.click("#details .back");
        if (shells.alice.ended) {
            shells.alice = await shell("alice");
        }
    }
    assert.equal(shells.alice.ended, false);
});

await step("set limits: errors shown, saved and in force", async () => {
    const { frame } = alice;
    await openLimits(frame);
    await assertAccessible(alice, "dialog of limits");
    await frame.selectOption("#max_duration-choice", "limited");
    await frame.fill("#max_duration-hours", "1.5");
    await frame.click("dialog >> text=Review");
    await waitText(frame, "#max_duration-problem", "Enter whole numbers.");
    await assertAccessible(alice, "dialog of limits with a mistake");
    await tabThrough(alice, "dialog");
    await frame.fill("#max_duration-hours", "7");

    await frame.selectOption("#max_sessions-choice", "limited");
    await frame.fill("#max_sessions-count", "1");
    await frame.click("dialog >> text=Review");
    await waitText(frame, "dialog .result", "You may lock yourself out");
    const lockout = await text(frame, "dialog .result .danger");
    await frame.click("dialog >> text=Change");
    await frame.selectOption("#max_sessions-choice", "unset");

    await sh("mkdir -p /etc/sesslimit/managed.d && printf 'version = 1\\n[defaults]\\nmax_duration = \"6h\"\\n' > /etc/sesslimit/managed.d/10.toml");
    await frame.click("dialog >> text=Review");
    await waitText(frame, "dialog .result", "/etc/sesslimit/managed.d/10.toml:3 is stricter: 6h applies");
    await assertAccessible(alice, "review of limits");
    await picture(alice, "review-light");
    await frame.click("dialog >> text=Change");
    await sh("echo 'nonsense = 1' > /etc/sesslimit/managed.d/10.toml");
    await frame.click("dialog >> text=Review");
    await waitText(frame, "dialog .result", "/etc/sesslimit/managed.d/10.toml:1");
    const rejected = await text(frame, "dialog .result");
    await sh("rm /etc/sesslimit/managed.d/10.toml");

    await frame.click("dialog >> text=Review");
    await waitText(frame, "dialog .result", "Takes effect");
    await frame.click("dialog >> text=Save");
    await waitText(frame, "dialog .result", "Saved and in force");
    await frame.click("dialog >> text=Close");
    assert.match(await run("cat", DROP_IN), /max_duration = "7h"/);
    await waitText(frame, "#limits-body", "90-set.toml");
    const id = await idOf("alice", "sshd");
    const { since, duration_ends_at } = (await ctl("list")).find((one) => one.id === id);
    assert.equal(duration_ends_at - since, 7 * 3600e6);

    await openLimits(frame);
    assert.equal(await frame.inputValue("#max_duration-hours"), "7");
    await frame.selectOption("#max_duration-choice", "unset");
    await frame.click("dialog >> text=Review");
    await waitText(frame, "dialog .result", "8h applies");
    await frame.click("dialog >> text=Save");
    await waitText(frame, "dialog .result", "Saved and in force");
    await frame.click("dialog >> text=Close");
    return `${lockout} ${rejected}`.replace(/\s+/g, " ").trim();
});

await step("a hidden page with details makes no call in 65 s, and shows a policy that was loaded meanwhile", async () => {
    const { frame } = alice;
    await frame.click(`[data-id="${await idOf("alice", "sshd")}"] .link`);
    await waitText(frame, "#details", "/etc/sesslimit/policy.toml");
    await alice.show("/system/services");
    await until("the page to be hidden", () => alice.frame.evaluate(() => cockpit.hidden));
    await sleep(2_000); // calls that were under way
    const before = alice.calls.length;
    const extra = await shell("bob");
    extra.end(); // a hidden page does not answer signals either
    await policy(POLICY.replace('"8h"', '"9h"'));
    await sleep(65_000); // the visible page makes each of its calls at least once in 60 s
    assert.deepEqual(alice.calls.slice(before), []);
    await alice.page.goBack();
    await until("calls of the visible page", () => alice.calls.length > before);
    await frame.click("#details .back");
    await waitText(frame, "#limits-body", "9h");
    await policy(POLICY);
});

await step("sorting, filter and every control by keyboard", async () => {
    const { frame, page } = alice;
    shells.bob = await shell("bob");
    await until("the row", async () => rowOf(frame, await idOf("bob", "sshd")));
    await frame.focus("#filter");
    const controls = await tabThrough(alice, "#overview");
    await frame.focus("#filter");
    await page.keyboard.type("bob");
    await until("only sessions of bob", async () => (await rowsOf(frame)).every((row) => row.text.includes("bob")));
    await frame.fill("#filter", "");
    await frame.click("th.column-user button");
    assert.equal(await frame.getAttribute("th.column-user", "aria-sort"), "ascending");
    assert.match((await rowsOf(frame))[0].text, /^alice/);
    await frame.click("th.column-user button");
    assert.match((await rowsOf(frame))[0].text, /^bob/);
    await frame.click("th.column-ends button");
    return `${controls} controls`;
});

await step("the chart: read once, follows the list, as a table", async () => {
    const { frame, page } = alice;
    const reads = () => alice.calls.filter((call) => call.includes("SESSLIMIT_DURATION")).length;
    await frame.$eval("#chart", (chart) => chart.scrollIntoView());
    await frame.waitForSelector("#chart svg");
    const before = reads();
    const number = async () => Number((await text(frame, "#chart-text")).match(/Now (\d+) session/)[1]);
    const open = await number();
    assert.equal(open, (await ctl("list")).filter(({ state }) => state !== "left-behind").length);
    const extra = await shell("bob");
    await until("the new session", async () => (await number()) === open + 1);
    extra.end();
    await until("the end of the session", async () => (await number()) === open);
    assert.equal(reads(), before);
    const most = Number((await text(frame, "#chart-text")).match(/At most (\d+) session/)[1]);
    await frame.focus("#chart summary");
    await page.keyboard.press("Enter");
    const cells = await frame.$$eval("#chart-table tbody td", (all) => all.map((cell) => Number(cell.textContent)));
    assert.equal(cells.length, 24);
    assert.equal(Math.max(...cells), most);
    assert.ok(most > open, "the sessions of the last day are missing");
    await assertAccessible(alice, "chart with its table");
    await page.keyboard.press("Enter");
    return await text(frame, "#chart-text");
});

await step("pictures in light, dark and 390 px", async () => {
    const { frame, page } = alice;
    await frame.evaluate(() => document.activeElement?.blur());
    for (const [name, width, height, style] of STYLES) {
        await useStyle(alice, style);
        await page.setViewportSize({ width, height });
        await pictures(alice, name, height);
    }
    await useStyle(alice, "light");
    await page.setViewportSize({ width: 1280, height: 900 });
});

await step("the page in German", async () => {
    for (const user of ["bob", "alice"]) {
        const german = watch(await Console.open(browser, user, { language: "de", administrator: !reloads }));
        let frame = await german.ready();
        await waitText(frame, "#list h1", "Anmeldesitzungen");
        assert.equal(await frame.getAttribute("html", "lang"), "de");
        if (user === "bob") {
            await picture(german, "german-unprivileged");
        } else {
            frame = reloads ? await german.superuser(true) : frame;
            await until("the row", async () => rowOf(frame, await idOf("bob", "sshd")));
            await pictures(german, "german", 900);
        }
        assert.deepEqual(german.messages, []);
        await german.close();
    }
    watch(alice);
});

await step("a denied login to Cockpit shows its reason", async () => {
    await policy(`${POLICY}[[rule]]\nname = "one"\nmatch.user = ["carol"]\nmax_sessions = 1\n`);
    shells.carol = await shell("carol");
    const carol = watch(await Console.open(browser, "carol"));
    await until("the reason", async () => /limit of 1 session reached/.test(await carol.page.innerText("body")));
    const saw = (await carol.page.innerText("body")).match(/.*limit of 1 session reached.*/)[0];
    await waitText(alice.frame, "#history", "carol");
    await carol.close();
    watch(alice);
    return saw;
});

await step("Cockpit in use with an open Terminal page is kept (C06)", async () => {
    await policy(POLICY.replace('"15min"', '"20s"'));
    // The sessions that were open before have a grace period.
    const used = watch(await Console.open(browser, "alice"));
    await used.ready();
    shells.idle = await shell("alice");
    const id = await idOf("alice", "cockpit");
    await used.show("/system/terminal");
    await until("the terminal of the page", async () => /Ended: .*bash/.test(await run("sesslimitctl", "show", id)));
    for (let clicks = 0; clicks < 10; clicks += 1) {
        await sleep(4_500);
        await used.page.mouse.click(700, 20);
    }
    const session = (await ctl("list")).find((one) => one.id === id);
    assert.equal(session?.state, "active", "the session of Cockpit was terminated");
    assert.equal(session.idle_ends_at, null);
    await until("the end of the idle shell", () => shells.idle.ended, 60);
    assert.deepEqual(used.messages, []);
    return "kept for 45 s at idle_timeout = 20s, and a shell without input was terminated";
});

assert.deepEqual(alice.messages, [], "messages of the page on the console");
await browser.close();
process.exit(0); // the clients of ssh end with the machine
