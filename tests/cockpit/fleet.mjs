// SPDX-License-Identifier: MIT
// The view of the fleet, on a machine that is the host "lab" of a fleet. Its other host "web2" has two sessions of bob and
// one of carol, and another policy. Started by tests/lab/page.py, see tests/lab/lab/fleet.py.

import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";

import { Console, launch } from "./browser.mjs";
import { ctl, run, sh, shell, until } from "./machine.mjs";
import { picture, step, watch } from "./steps.mjs";
import { assertAccessible, assertFits, STYLES, tabThrough, text, useStyle, waitText } from "./views.mjs";

const PREFIX = "/sesslimit/1/office";
const MANY = 1100; // sessions of web9

/** Returns the rows of a table, each with its texts by the names of the columns. */
function rowsOf(frame, table) {
    return frame.$$eval(`#${table} tbody tr`, (rows) => rows.map((row) => ({
        ...row.dataset,
        text: row.innerText,
        cells: Object.fromEntries([...row.cells].map((cell) => [cell.className.replace("column-", ""), cell.innerText])),
    })));
}

/** Returns the calls of the fleet that the page has made, from a number of calls on. */
function fleetCalls(opened, from = 0) {
    return opened.calls.slice(from).filter((call) => call.startsWith("sesslimitctl fleet"));
}

/** Reads the view again. */
async function refresh(opened) {
    const before = fleetCalls(opened).length;
    await opened.frame.click("#fleet-refresh");
    await until("the commands", () => fleetCalls(opened).length >= before + 3);
    await until("the answers", async () => (await text(opened.frame, "#fleet-read")).startsWith("Read on"));
}

function etcdctl(...argv) {
    return run("/root/etcdctl", ...argv);
}

/** Writes the sessions of web9 and their slots, 50 at a time, and the record of that host. */
async function putMany() {
    for (let first = 0; first < MANY; first += 50) {
        const puts = Array.from({ length: 50 }, (_, at) => first + at).flatMap((at) => {
            const [user, slot, number, since] = [`user${at % 50}`, Math.floor(at / 50) + 1, at + 1, 1_700_000_000 + at];
            const session = `user=${user}&slot=${slot}&since=${since}&service=sshd&tty=pts%2F${at}&origin=192.0.2.${at % 250}`;
            return [
                `put ${PREFIX}/h/web9/s/${number} "${session}&rule=%3Cb%3Estaff"`,
                `put ${PREFIX}/p/${user}/${String(slot).padStart(4, "0")} "host=web9&session=${number}&since=${since}"`,
            ];
        });
        await run("sh", "-c", 'printf "\\n%s\\n\\n\\n" "$1" | /root/etcdctl txn', "sh", puts.join("\n"));
    }
    await etcdctl("put", `${PREFIX}/n/web9`, "machine=9&boot=9&version=0.0.9");
}

const browser = await launch();
let bob = await shell("bob");
let alice;

await step("without administrative access: no button, no command, and a text instead of the view", async () => {
    const carol = watch(await Console.open(browser, "carol"));
    const frame = await carol.ready();
    await frame.waitForSelector("#limits-body table");
    assert.equal(await frame.isVisible("#open-fleet"), false);
    await frame.evaluate(() => cockpit.location.go(["fleet"]));
    await waitText(frame, "#fleet", "The fleet is only shown with administrative access.");
    await assertAccessible(carol, "fleet without access");
    await frame.click("#fleet .back");
    await frame.waitForSelector("#overview:not([hidden])");
    assert.deepEqual(fleetCalls(carol), []);
    assert.deepEqual(carol.messages, []);
    await carol.close();
});

await step("state, nodes, hosts and sessions, as sesslimitctl prints them", async () => {
    alice = watch(await Console.open(browser, "alice"));
    await alice.ready();
    const frame = await alice.superuser(true);
    await frame.waitForSelector("#open-fleet:not([hidden])");
    assert.deepEqual(fleetCalls(alice), [], "the fleet was read before the view opened");
    await frame.click("#open-fleet");
    await frame.waitForSelector("#fleet-nodes");
    await until("the rows", async () => (await rowsOf(frame, "fleet-sessions")).length === 4
        && (await rowsOf(frame, "fleet-hosts")).length === 2);
    assert.equal(await frame.evaluate(() => document.activeElement.id), "fleet-title");
    const [status, hosts, sessions] = [await ctl("fleet", "status"), await ctl("fleet", "hosts"), await ctl("fleet", "list")];
    const shown = await rowsOf(frame, "fleet-sessions");
    const expected = sessions.map(({ host, session, user, slot }) => `${host}/${session} ${user} ${host} ${slot}`);
    assert.deepEqual(shown.map(({ session, cells }) => `${session} ${cells.user} ${cells.host} ${cells.slot}`).sort(), expected.sort());
    const own = shown.find(({ cells }) => cells.host === "lab").cells;
    assert.match(`${own.service} ${own.from} ${own.rule}`, /^sshd, (pts\/\d+|ssh) 127\.0\.0\.1 test$/);
    const [lab, web2] = await rowsOf(frame, "fleet-hosts");
    assert.match(lab.text, /^lab\s*this host\s/);
    assert.match(web2.text, /^web2\s*other policy\s/);
    assert.deepEqual([lab, web2].map(({ cells }) => [cells.version, cells.policy, cells.sessions]),
        ["lab", "web2"].map((name) => hosts.find(({ host }) => host === name))
            .map(({ version, policy, sessions: count }) => [version, policy.slice(0, 12), String(count)]));
    await waitText(frame, "#fleet-hosts-notes", "The policy of 1 host differs from that of this host.");
    const state = await text(frame, "#fleet-state");
    assert.match(state, /office/);
    assert.match(state, /in the fleet/);
    assert.match(state, /127\.0\.0\.1:2379\s+leader/);
    assert.ok(state.includes(status.nodes[0].version) && /\d\.\d ms/.test(state), state);
    await assertAccessible(alice, "fleet");
    const controls = await tabThrough(alice, "#fleet");
    return `${controls} controls; ${state.match(/127.*/)[0]}`;
});

await step("the view makes no calls by itself", async () => {
    const before = alice.calls.length;
    await sleep(15_000);
    assert.ok(alice.calls.length > before); // the page follows the daemon
    assert.deepEqual(fleetCalls(alice, before), []);
});

await step("End everywhere by keyboard: a shell of this machine and sessions of the other host", async () => {
    const { frame, page } = alice;
    await frame.focus('[data-session^="lab/"] .danger');
    await page.keyboard.press("Enter");
    await waitText(frame, "dialog", "3 sessions end:");
    const before = await text(frame, "dialog");
    assert.ok(before.includes("lab: 1 session") && before.includes("web2: 2 sessions"), before);
    await assertAccessible(alice, "dialog End everywhere");
    await tabThrough(alice, "dialog");
    await picture(alice, "fleet-end");
    await frame.focus("#end-message");
    await page.keyboard.type("x".repeat(256));
    await page.keyboard.press("Tab");
    await page.keyboard.press("Enter");
    await waitText(frame, "dialog", "The message has more than 255 bytes.");
    await frame.fill("#end-message", "--account locked");
    await frame.focus("dialog button.danger");
    await page.keyboard.press("Enter");
    await bob.expect("--account locked");
    await until("the end of the shell", () => bob.ended);
    await waitText(frame, "dialog", "3 sessions are being terminated. 2 hosts have answered.");
    const answer = await text(frame, "dialog");
    assert.ok(answer.includes("lab: 1 session") && answer.includes("web2: 2 sessions"), answer);
    assert.doesNotMatch(answer, /not reached/);
    assert.equal(await frame.evaluate(() => document.activeElement.textContent), "Close");
    await assertAccessible(alice, "answers of the hosts");
    await page.keyboard.press("Enter");
    await until("the rows without bob", async () => (await rowsOf(frame, "fleet-sessions")).every(({ cells }) => cells.user === "carol"));
    const reason = bob.output.match(/This session was terminated: [^\r\n]*/)[0];
    assert.match(reason, /alice/);
    return reason;
});

await step("a host that is not reached is named, and a shell of this machine ends", async () => {
    const { frame } = alice;
    await run("systemctl", "kill", "--signal=KILL", "fleetd-web2.service");
    bob = await shell("bob");
    await refresh(alice);
    await frame.fill("#fleet-user", "bob");
    await frame.press("#fleet-user", "Enter");
    await waitText(frame, "dialog", "lab: 1 session");
    await frame.click("dialog button.danger");
    await waitText(frame, "dialog", "Waiting for the answers of the hosts");
    await until("the end of the shell", () => bob.ended);
    await waitText(frame, "dialog", "1 host was not reached:");
    const answer = await text(frame, "dialog");
    assert.match(answer, /1 session is being terminated\. 1 host has answered\.\s+lab: 1 session\s+1 host was not reached:\s+web2\s/);
    assert.match(answer, /returns within one hour/);
    await assertAccessible(alice, "a host that was not reached");
    await picture(alice, "fleet-not-reached");
    await frame.click("dialog >> text=Close");
    return answer.replace(/\s+/g, " ");
});

await step("1,100 sessions: 100 at a time, filter, order, a host with another version", async () => {
    const { frame } = alice;
    await putMany();
    const began = performance.now();
    await refresh(alice);
    const milliseconds = Math.round(performance.now() - began);
    await waitText(frame, "#fleet-sessions-count", `${MANY + 1} sessions`);
    assert.equal((await rowsOf(frame, "fleet-sessions")).length, 100);
    await frame.click("#fleet-sessions-more");
    assert.equal((await rowsOf(frame, "fleet-sessions")).length, 200);
    await frame.fill("#fleet-sessions-filter", "user7 <b>");
    const found = await rowsOf(frame, "fleet-sessions");
    assert.equal(found.length, MANY / 50);
    assert.ok(found.every(({ cells }) => cells.user === "user7" && cells.rule === "<b>staff"), found[0].text);
    await frame.click("#fleet-sessions th.column-since button");
    await frame.click("#fleet-sessions th.column-since button");
    assert.equal(await frame.getAttribute("#fleet-sessions th.column-since", "aria-sort"), "descending");
    const since = (await rowsOf(frame, "fleet-sessions")).map(({ session }) => Number(session.split("/")[1]));
    assert.deepEqual(since, [...since].sort((a, b) => b - a));
    await frame.fill("#fleet-sessions-filter", "nobody-has-this-name");
    await waitText(frame, "#fleet-sessions-card", "No session matches the filter.");
    await frame.fill("#fleet-sessions-filter", "");
    await frame.click("#fleet-sessions th.column-user button");
    const web9 = (await rowsOf(frame, "fleet-hosts")).find(({ host }) => host === "web9");
    assert.match(web9.text, /^web9\s*other version\s/);
    assert.equal(web9.cells.sessions, String(MANY));
    await waitText(frame, "#fleet-hosts-notes", "1 host has another version of sesslimit than this host.");
    return `read and drawn within ${milliseconds} ms`;
});

await step("pictures in light, dark and 390 px", async () => {
    const { frame, page } = alice;
    for (const [name, width, height, style] of STYLES) {
        await useStyle(alice, style);
        await page.setViewportSize({ width, height });
        await frame.evaluate(() => window.scrollTo(0, 0));
        await picture(alice, `fleet-${name}`);
        await frame.$eval("#fleet-sessions-card", (card) => card.scrollIntoView());
        await picture(alice, `fleet-sessions-${name}`);
        await assertAccessible(alice, `fleet ${name}`);
        await assertFits(alice, `fleet ${name}`);
        await frame.click('[data-session^="web9/"] .danger');
        await waitText(frame, "dialog", `web9: ${MANY / 50} sessions`);
        await assertAccessible(alice, `dialog ${name}`);
        await assertFits(alice, `dialog ${name}`);
        await picture(alice, `fleet-dialog-${name}`);
        await page.keyboard.press("Escape");
    }
    await useStyle(alice, "light");
    await page.setViewportSize({ width: 1280, height: 900 });
});

await step("a host that was admitted without --admin shows the command that permits it", async () => {
    const { frame } = alice;
    const permissions = [["read", `${PREFIX}/h/`], ["read", `${PREFIX}/n/`], ["readwrite", `${PREFIX}/end/`]];
    for (const [, key] of permissions) {
        await etcdctl("role", "revoke-permission", "--prefix=true", "sesslimit-lab", key);
    }
    await refresh(alice);
    for (const card of ["#fleet-hosts-card", "#fleet-sessions-card"]) {
        await waitText(frame, card, "could not be read.");
        assert.match(await text(frame, card), /this host may not read the records of other hosts.*enroll --admin lab/);
    }
    assert.match(await text(frame, "#fleet-state"), /in the fleet/);
    assert.equal(await frame.isVisible("#fleet-sessions"), false);
    await assertAccessible(alice, "fleet without permission");
    await picture(alice, "fleet-not-permitted");
    await frame.fill("#fleet-user", "bob");
    await frame.press("#fleet-user", "Enter");
    await waitText(frame, "dialog", "No session of this user has a slot of the fleet.");
    await frame.click("dialog button.danger");
    await waitText(frame, "dialog", "The request failed.");
    assert.match(await text(frame, "dialog"), /enroll --admin lab/);
    await alice.page.keyboard.press("Escape");
    for (const [right, key] of permissions) {
        await etcdctl("role", "grant-permission", "--prefix=true", "sesslimit-lab", right, key);
    }
    await refresh(alice);
    await waitText(frame, "#fleet-sessions-count", `${MANY + 1} sessions`);
    return (await text(frame, "#fleet-sessions-count"));
});

await step("etcd does not run: the state with its reason, failures instead of the tables, and the return", async () => {
    const { frame } = alice;
    await run("systemctl", "stop", "etcd.service");
    await until("the host outside of the fleet", async () => !(await ctl("fleet", "status")).up, 60);
    await refresh(alice);
    await waitText(frame, "#fleet-state", "This host is not in the fleet.");
    await waitText(frame, "#fleet-state", "not reachable");
    await waitText(frame, "#fleet-state", "It is not known whether etcd has raised alarms.");
    await waitText(frame, "#fleet-hosts-card", "etcd does not answer");
    await waitText(frame, "#fleet-sessions-card", "etcd does not answer");
    await assertAccessible(alice, "fleet without etcd");
    await picture(alice, "fleet-down");
    const reason = (await text(frame, "#fleet-state .notice p"));
    await run("systemctl", "start", "etcd.service");
    await until("the host in the fleet", async () => (await ctl("fleet", "status")).up, 60);
    await refresh(alice);
    await waitText(frame, "#fleet-sessions-count", `${MANY + 1} sessions`);
    assert.doesNotMatch(await text(frame, "#fleet-state"), /not in the fleet|not reachable/);
    return reason;
});

await step("a hidden page makes no calls, and a page of a host that has left the fleet has no button", async () => {
    const { frame } = alice;
    await alice.show("/system/services");
    await until("the page to be hidden", () => frame.evaluate(() => cockpit.hidden));
    await sleep(2_000); // calls that were under way
    const before = alice.calls.length;
    await frame.evaluate(() => document.querySelector("#fleet-refresh").click());
    await sleep(10_000);
    assert.deepEqual(alice.calls.slice(before), []);
    await run("systemctl", "stop", "sesslimit-fleetd.service", "sesslimit-fleetd.socket");
    await alice.page.goBack();
    // The request of the hidden page is answered now.
    await waitText(frame, "#fleet-state", "this host is not in a fleet");
    await frame.click("#fleet .back");
    await frame.waitForSelector("#overview:not([hidden])");
    assert.equal(await frame.isVisible("#open-fleet"), false);
    await run("systemctl", "start", "sesslimit-fleetd.socket", "sesslimit-fleetd.service");
});

await step("the view in German", async () => {
    const german = watch(await Console.open(browser, "alice", { language: "de" }));
    await german.ready();
    const frame = await german.superuser(true);
    await frame.waitForSelector("#open-fleet:not([hidden])");
    await frame.click("#open-fleet");
    await waitText(frame, "#fleet-sessions-count", `${MANY + 1} Sitzungen`);
    await waitText(frame, "#fleet-hosts-notes", "Die Richtlinie von 1 Rechner weicht von der dieses Rechners ab.");
    await assertAccessible(german, "fleet in German");
    await assertFits(german, "fleet in German");
    await picture(german, "fleet-german");
    await frame.click('[data-session^="web9/"] .danger');
    await waitText(frame, "dialog", `web9: ${MANY / 50} Sitzungen`);
    await picture(german, "fleet-dialog-german");
    assert.deepEqual(german.messages, []);
    await german.close();
    watch(alice);
});

assert.deepEqual(alice.messages, [], "messages of the page on the console");
await browser.close();
process.exit(0); // the clients of ssh have ended or end with the machine
