// SPDX-License-Identifier: MIT
// The page with 1,000 sessions, which tests/lab/page.py has opened.

import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";

import { Console, launch } from "./browser.mjs";
import { sh, until } from "./machine.mjs";
import { picture, step, watch } from "./steps.mjs";

const SESSIONS = 1000;
const LONGEST_TASK = 50; // milliseconds of processor time
const FIRST_ROWS = 1000; // milliseconds

/** Returns the tasks of the page's process in a trace, in milliseconds of processor time, the longest first. */
function tasksOf(trace) {
    const { traceEvents } = JSON.parse(trace);
    const main = new Set(traceEvents.filter((event) => event.name === "thread_name" && event.args.name === "CrRendererMain")
        .map((event) => `${event.pid} ${event.tid}`));
    return traceEvents.filter((event) => /RunTask$/.test(event.name) && event.tdur && main.has(`${event.pid} ${event.tid}`))
        .map((event) => event.tdur / 1000).sort((a, b) => b - a);
}

const browser = await launch();
const alice = watch(await Console.open(browser, "alice"));
await alice.context.addInitScript(() => {
    new MutationObserver((_changes, observer) => {
        if (document.querySelector("#sessions tbody tr")) {
            window.firstRows = performance.now();
            observer.disconnect();
        }
    }).observe(document, { childList: true, subtree: true });
});
await alice.ready();

await step("the first rows appear within 1 s in the best of three loads", async () => {
    const times = [];
    for (let round = 0; round < 3; round += 1) {
        const loaded = alice.page.waitForEvent("framenavigated", (frame) => /\/sesslimit\/index\.html/.test(frame.url()));
        await alice.frame.evaluate(() => location.reload()).catch(() => {});
        await loaded;
        const frame = await alice.ready();
        times.push(Math.round(await until("the first rows", () => frame.evaluate(() => window.firstRows))));
    }
    const rows = await alice.frame.$$eval("#sessions tbody tr", (all) => all.length);
    assert.equal(rows, 100);
    assert.match(await alice.frame.innerText("#count"), new RegExp(`${SESSIONS + 1} sessions`));
    assert.ok(Math.min(...times) < FIRST_ROWS, times.join());
    return `${times.join(", ")} ms after the page began to load; 100 of ${SESSIONS + 1} rows`;
});

await step("no task takes 50 ms in a minute", async () => {
    await sleep(3_000);
    const before = alice.calls.length;
    await browser.startTracing(alice.page, { categories: ["toplevel", "__metadata"] });
    await sleep(60_000);
    const tasks = tasksOf((await browser.stopTracing()).toString());
    assert.ok(alice.calls.slice(before).includes("ListSessions"), "the whole list was not read in this time");
    assert.ok(tasks.length > 50, String(tasks.length));
    assert.ok(tasks[0] < LONGEST_TASK, tasks.slice(0, 5).join());
    await picture(alice, "many");
    return `${tasks.length} tasks, the longest with ${tasks[0].toFixed(1)} ms of processor time`;
});

await step("the chart reads 5,000 entries of the journal without a task of 50 ms", async () => {
    const frame = await alice.superuser(true);
    await frame.waitForSelector("#sessions tbody tr");
    await sleep(3_000);
    assert.ok(!alice.calls.some((call) => call.includes("SESSLIMIT_DURATION")), "the chart was read before it was in view");
    await browser.startTracing(alice.page, { categories: ["toplevel", "__metadata"] });
    const began = performance.now();
    await frame.$eval("#chart", (chart) => chart.scrollIntoView());
    await frame.waitForSelector("#chart svg");
    const milliseconds = Math.round(performance.now() - began);
    await sleep(5_000);
    const tasks = tasksOf((await browser.stopTracing()).toString());
    assert.ok(tasks[0] < LONGEST_TASK, tasks.slice(0, 5).join());
    assert.match(await frame.innerText("#chart-text"), new RegExp(`At most ${SESSIONS + 1} sessions .* Now ${SESSIONS + 1} sessions`));
    const peaks = await frame.$$eval("#chart-table tbody td", (cells) => cells.map((cell) => Number(cell.textContent)));
    assert.ok(peaks.length === 24 && peaks.slice(1).some((peak) => peak > 50 && peak < SESSIONS), peaks.join());
    const command = alice.calls.filter((call) => call.includes("SESSLIMIT_DURATION"));
    assert.equal(command.length, 1);
    const timed = `bash -c 'TIMEFORMAT="%U %S"; time ${command[0]} >/run/chart.json'`;
    const measured = await sh(`for round in 1 2 3; do ${timed}; done 2>&1; wc -lc </run/chart.json`);
    const lines = measured.trim().split("\n");
    const [entries, bytes] = lines.pop().trim().split(/\s+/).map(Number);
    assert.equal(entries, 5_000);
    const cost = Math.min(...lines.map((line) => line.split(" ").reduce((sum, seconds) => sum + Number(seconds) * 1000, 0)));
    await picture(alice, "many-chart");
    return `${milliseconds} ms until it is drawn, the longest task ${tasks[0].toFixed(1)} ms; `
        + `journalctl ${cost} ms of processor time, ${bytes} bytes`;
});

await step("filter and more rows", async () => {
    const { frame } = alice;
    await frame.click("#more");
    assert.equal(await frame.$$eval("#sessions tbody tr", (all) => all.length), 200);
    await frame.fill("#filter", "user7 192.0.2.7");
    const found = await frame.$$eval("#sessions tbody tr", (all) => all.map((row) => row.innerText));
    assert.ok(found.length > 0 && found.length < 60 && found.every((row) => row.includes("user7")), found.join("\n"));
});

assert.deepEqual(alice.messages, []);
await browser.close();
