// SPDX-License-Identifier: MIT
// Chromium with Cockpit and the page of sesslimit in it.

import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";

import { chromium } from "playwright-core";

import { until } from "./machine.mjs";

const COCKPIT = "http://127.0.0.1:9090";
const axe = await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf-8");

/** Starts Chromium. The sandbox needs a user other than root. */
export function launch() {
    return chromium.launch({ executablePath: "/usr/bin/chromium", args: ["--no-sandbox", "--disable-dev-shm-usage"] });
}

/** Reports errors and rejections that no code handles, in each frame. */
function noteErrors() {
    const textOf = (reason) => reason?.stack || `${reason?.name} ${reason?.problem} ${reason?.message}`;
    addEventListener("error", (event) => globalThis.noteError(`error: ${textOf(event.error)}`));
    addEventListener("unhandledrejection", (event) => globalThis.noteError(`rejection: ${textOf(event.reason)}`));
}

/** A login to Cockpit with the page of sesslimit in its shell. */
export class Console {
    /** Console messages and errors of the page of sesslimit. */
    messages = [];
    /** Methods that the page has called on D-Bus, and commands that it has started. */
    calls = [];
    /** Channels that the page has opened. */
    #channels = new Set();

    /** Logs in. `administrator`: with administrative access, as after a login that had it at the end. */
    static async open(browser, user, { language = "en", administrator = false } = {}) {
        const context = await browser.newContext({ locale: language, viewport: { width: 1280, height: 900 } });
        await context.addInitScript(noteErrors);
        if (administrator) {
            await context.addInitScript((name) => localStorage.setItem(`superuser:${name}`, "any"), user);
        }
        const page = await context.newPage();
        const opened = new Console(context, page);
        page.on("console", (message) => {
            if (message.location().url.includes("/sesslimit/")) {
                opened.messages.push(`${message.type()}: ${message.text()}`);
            }
        });
        // The event "pageerror" does not tell the frame. Cockpit's own frames have errors of their own.
        await context.exposeBinding("noteError", ({ frame }, text) => {
            if (frame.url().includes("/sesslimit/")) {
                opened.messages.push(text);
            }
        });
        page.on("websocket", (socket) => socket.on("framesent", ({ payload }) => opened.#note(String(payload))));
        await page.goto(`${COCKPIT}/sesslimit`);
        await page.fill("#login-user-input", user);
        await page.fill("#login-password-input", `${user}-secret`);
        await page.click("#login-button");
        return opened;
    }

    constructor(context, page) {
        this.context = context;
        this.page = page;
    }

    /** Notes a message of Cockpit's protocol, which is a channel, a newline and JSON, if it is from the page. */
    #note(payload) {
        const [channel, text] = [payload.slice(0, payload.indexOf("\n")), payload.slice(payload.indexOf("\n") + 1)];
        if (channel !== "" && !this.#channels.has(channel)) {
            return;
        }
        const message = text.startsWith("{") ? JSON.parse(text) : {};
        if (channel === "" && message.command === "open" && message.group?.endsWith("/sesslimit")) {
            this.#channels.add(message.channel);
            if (message.spawn) {
                this.calls.push(message.spawn.join(" "));
            }
        } else if (message.call) {
            this.calls.push(message.call[2]);
        }
    }

    /** Waits until the page shows the list, and returns its frame. */
    async ready() {
        this.frame = await until("the frame of the page", () =>
            this.page.frames().find((frame) => /\/sesslimit\/index\.html/.test(frame.url())), 60);
        await this.frame.waitForSelector("#content:not([hidden])", { timeout: 60_000 });
        return this.frame;
    }

    /** Gains or drops administrative access, as the shell does. Cockpit then loads its pages again. */
    async superuser(start) {
        const loaded = this.page.waitForEvent("framenavigated", (frame) => /\/sesslimit\/index\.html/.test(frame.url()));
        const call = start ? ["Start", ["sudo"]] : ["Stop", []];
        await this.frame.evaluate(([method, values]) => {
            cockpit.dbus(null, { bus: "internal" }).call("/superuser", "cockpit.Superuser", method, values);
        }, call).catch(() => {}); // the frame may already load
        await loaded;
        return this.ready();
    }

    /** Shows another page of Cockpit's shell, without a reload. */
    show(path) {
        return this.page.evaluate((address) => {
            window.history.pushState(null, "", address);
            window.dispatchEvent(new PopStateEvent("popstate"));
        }, path);
    }

    /** Returns the violations of WCAG 2.1 AA, as texts. */
    async violations() {
        await this.frame.evaluate(axe);
        const found = await this.frame.evaluate(() =>
            globalThis.axe.run(document, { runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"] }));
        return found.violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html).join(" ").slice(0, 300)}`);
    }

    close() {
        return this.context.close();
    }
}
