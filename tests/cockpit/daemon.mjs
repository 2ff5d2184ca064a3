// SPDX-License-Identifier: MIT
// The page while the daemon does not run, is not installed or does not answer, and with rejected and observed policies.
// Started by tests/lab/page.py.

import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";

import { Console, launch } from "./browser.mjs";
import { policy, run, sh, shell, until } from "./machine.mjs";
import { picture, step, watch } from "./steps.mjs";
import { assertAccessible, POLICY, rowsOf, text, waitText } from "./views.mjs";

const SLOW = "sesslimitd does not answer in time.";

const browser = await launch();
await policy(POLICY);
await shell("bob");
const alice = watch(await Console.open(browser, "alice"));
await alice.ready();
const frame = await alice.superuser(true);

/** Waits until the page shows the list without banners, without having been loaded again. */
async function recovered(seconds = 30) {
    const began = performance.now();
    await until("the list", async () => (await rowsOf(frame)).length > 0 && (await text(frame, "#banners")) === "", seconds);
    return ((performance.now() - began) / 1000).toFixed(1);
}

await step("banners: rejected policy, observe mode", async () => {
    await recovered();
    await sh("echo 'nonsense = 1' > /etc/sesslimit/policy.d/50.toml; sesslimitctl reload || true");
    await waitText(frame, "#banners", "The last valid policy stays in effect");
    await waitText(frame, "#banners", "/etc/sesslimit/policy.d/50.toml:1");
    await assertAccessible(alice, "rejected policy");
    await sh("rm /etc/sesslimit/policy.d/50.toml; sesslimitctl reload");
    await recovered();
    await policy(POLICY.replace("[defaults]", '[defaults]\nmode = "observe"'));
    await waitText(frame, "#banners", "Observe mode");
    await policy(POLICY);
    await recovered();
});

await step("a stopped daemon, which the page or another administrator starts", async () => {
    await run("systemctl", "stop", "sesslimitd.socket", "sesslimitd.service");
    await waitText(frame, "#banners", "sesslimitd does not run");
    await assertAccessible(alice, "stopped daemon");
    await picture(alice, "stopped");
    await frame.click("#banners button");
    await recovered();
    await run("systemctl", "stop", "sesslimitd.socket", "sesslimitd.service");
    await waitText(frame, "#banners", "sesslimitd does not run");
    await run("systemctl", "start", "sesslimitd.socket", "sesslimitd.service");
    await recovered();
});

await step("a daemon that does not answer, and answers again", async () => {
    // The watchdog of the unit would restart the daemon after 20 s.
    const drop_in = "/run/systemd/system/sesslimitd.service.d";
    await sh(`mkdir -p ${drop_in}; printf '[Service]\\nWatchdogSec=0\\n' >${drop_in}/test.conf; systemctl daemon-reload`);
    await run("systemctl", "restart", "sesslimitd.service");
    await sleep(3_000); // the page may show for a moment that the daemon does not run
    await recovered();
    const pid = (await run("systemctl", "show", "--property=MainPID", "--value", "sesslimitd.service")).trim();
    await run("kill", "-STOP", pid);
    const began = performance.now();
    const titles = new Set();
    await until("the banner", async () => {
        titles.add(await text(frame, "#banners strong").catch(() => ""));
        return titles.has(SLOW);
    }, 30);
    const seconds = ((performance.now() - began) / 1000).toFixed(1);
    await assertAccessible(alice, "slow daemon");
    await picture(alice, "slow");
    await run("kill", "-CONT", pid);
    const answered = await recovered();
    assert.deepEqual([...titles], ["", SLOW]);
    await waitText(frame, "#limits-body", "/etc/sesslimit/policy.toml:3");
    return `reported after ${seconds} s, recovered after ${answered} s`;
});

await step("a daemon that is removed and installed again", async () => {
    await sh("dpkg --force-depends --remove sesslimit 2>&1");
    await waitText(frame, "#banners", "sesslimitd is not installed.");
    await assertAccessible(alice, "missing daemon");
    await picture(alice, "missing");
    await sh("dpkg --force-confold --install /var/tmp/packages/sesslimit_*.deb 2>&1");
    await recovered(60);
});

assert.deepEqual(alice.messages, [], "messages of the page on the console");
await browser.close();
process.exit(0); // the client of ssh ends with the machine
