// SPDX-License-Identifier: MIT
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import test from "node:test";

const DIRECTORY = new URL("../../cockpit/", import.meta.url);
const TEXT = String.raw`"((?:[^"\\]|\\.)*)"`;
const CALLS = [new RegExp(String.raw`(?<![\w.])_\(\s*${TEXT}`, "g"), new RegExp(String.raw`ngettext\(\s*${TEXT}`, "g")];

/** Returns the texts that the modules translate. */
function translated() {
    const modules = readdirSync(DIRECTORY).filter((name) => name.endsWith(".js") && !name.startsWith("po."));
    const source = modules.map((name) => readFileSync(new URL(name, DIRECTORY), "utf-8")).join("\n");
    return new Set(CALLS.flatMap((call) => [...source.matchAll(call)]).map(([, text]) => JSON.parse(`"${text}"`)));
}

/** Returns the placeholders of a text. */
function placeholders(text) {
    return [...text.matchAll(/\$\d/g)].map(String).sort().join();
}

for (const name of readdirSync(DIRECTORY).filter((each) => each.startsWith("po."))) {
    test(`${name} has all texts, with the same placeholders`, async () => {
        let catalog = {};
        globalThis.cockpit = { locale: (texts) => (catalog = texts) };
        await import(new URL(name, DIRECTORY));
        const { "": header, ...texts } = catalog;
        assert.equal(`po.${header.language}.js`, name);
        assert.deepEqual(Object.keys(texts).sort(), [...translated()].sort());
        for (const [text, [, ...forms]] of Object.entries(texts)) {
            forms.forEach((form) => assert.equal(placeholders(form), placeholders(text), form));
        }
    });
}
