// SPDX-License-Identifier: MIT
// The page with an older daemon, which tests/lab/lab/older_daemon.py imitates. Started by tests/lab/page.py.

import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";

import { Console, launch } from "./browser.mjs";
import { run, until } from "./machine.mjs";
import { picture, step, watch } from "./steps.mjs";
import { assertAccessible, openLimits, rowOf, rowsOf, text, waitText } from "./views.mjs";

const browser = await launch();
const alice = watch(await Console.open(browser, "alice"));
await alice.ready();
const frame = await alice.superuser(true);

await step("an older daemon: a banner, the list and its countdowns", async () => {
    await waitText(frame, "#banners", "The running daemon is older than this page.");
    await waitText(frame, "#banners", "Version 0.1 lacks some functions.");
    await until("both sessions", async () => (await rowsOf(frame)).length === 2);
    assert.match((await rowOf(frame, "8")).left, /^(6h 59min|7h)$/);
    assert.equal((await rowOf(frame, "7")).at, "");
    assert.doesNotMatch((await rowOf(frame, "7")).text, /Open/); // its state has another name
    await assertAccessible(alice, "list of an older daemon");
    await picture(alice, "older");
});

await step("an older daemon: idle times are read with the list every 15 s", async () => {
    await sleep(6_000); // the first call of ListIdle fails, and the page reads the list instead
    const before = alice.calls.length;
    await sleep(40_000);
    const calls = alice.calls.slice(before);
    assert.equal(calls.filter((call) => call === "ListIdle").length, 0);
    const lists = calls.filter((call) => call === "ListSessions").length;
    assert.ok(lists === 2 || lists === 3, calls.join());
    assert.ok(alice.calls.includes("ListIdle"));
    return `${lists} reads in 40 s`;
});

await step("an older daemon: details with the limits of a new login, and the defaults of the files", async () => {
    await waitText(frame, "#limits-body", "/etc/sesslimit/policy.toml:3");
    await frame.click('[data-id="8"] .link');
    await waitText(frame, "#details", "These are the limits of a new login");
    await waitText(frame, "#details", "bash");
    await assertAccessible(alice, "details of an older daemon");
    await frame.click("#details .back");
    await openLimits(frame);
    await alice.page.keyboard.press("Escape");
    await frame.fill("#explain-user", "bob");
    await frame.press("#explain-user", "Enter");
    await waitText(frame, "#explain-result", "admitted");
});

await step("an older daemon: End shows the error of the daemon", async () => {
    await frame.click('[data-id="8"] .danger');
    await waitText(frame, "dialog", "bash");
    await frame.click("dialog .danger");
    await waitText(frame, "dialog", "The request failed.");
    await alice.page.keyboard.press("Escape");
});

await step("the page continues by itself with the current daemon", async () => {
    await run("busctl", "call", "org.sesslimit1", "/org/sesslimit1", "org.sesslimit1.Manager", "Quit");
    await waitText(frame, "#banners", "sesslimitd does not run");
    await run("systemctl", "start", "sesslimitd.socket", "sesslimitd.service");
    await until("the list", async () => (await rowsOf(frame)).length > 0 && (await text(frame, "#banners")) === "", 30);
    await until("idle times of the daemon", async () => {
        const before = alice.calls.length;
        await sleep(6_000);
        return alice.calls.slice(before).includes("ListIdle");
    });
});

assert.deepEqual(alice.messages, [], "messages of the page on the console");
await browser.close();
