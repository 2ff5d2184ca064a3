// SPDX-License-Identifier: MIT
// Steps of a scenario: a line of JSON for each, which tests/lab/page.py reads, and pictures.

import { mkdir } from "node:fs/promises";
import { basename } from "node:path";

const [script, directory] = process.argv.slice(1);
await mkdir(directory, { recursive: true });

/** The console whose picture is stored if a step fails. */
let watched = null;

export function watch(opened) {
    watched = opened;
    return opened;
}

/** Runs a step, and prints the text that it returns. */
export async function step(name, body) {
    const began = performance.now();
    try {
        const saw = await body();
        console.log(JSON.stringify({ name, saw: saw ?? "", seconds: (performance.now() - began) / 1000 }));
    } catch (error) {
        await watched?.page.screenshot({ path: `${directory}/failed-${basename(script, ".mjs")}.png` }).catch(() => {});
        console.log(JSON.stringify({ name, failed: `${error.stack}\n${watched?.messages.join("\n") ?? ""}` }));
        process.exit(1);
    }
}

/** Stores a picture of the page. */
export function picture(opened, name) {
    return opened.page.screenshot({ path: `${directory}/${name}.png` });
}
