// SPDX-License-Identifier: MIT
// Commands in the machine of the lab, which tests/lab/page.py has booted. This process is in its network namespace.

import { AssertionError } from "node:assert";
import { execFile, spawn } from "node:child_process";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";

const execute = promisify(execFile);
/** The command line that runs another one in the machine as root. */
const [enter, ...prefix] = JSON.parse(process.env.LAB_COMMAND);
const ENVIRONMENT = { PATH: "/usr/sbin:/usr/bin:/sbin:/bin", HOME: "/root", TERM: "xterm" };

/** Runs a command and returns its standard output. Throws if it fails. */
export async function run(...argv) {
    const { stdout } = await execute(enter, [...prefix, ...argv], { env: ENVIRONMENT, timeout: 60_000, maxBuffer: 1 << 26 });
    return stdout;
}

/** Runs a shell script as root and returns its standard output. */
export function sh(script) {
    return run("sh", "-ec", script);
}

/** Runs sesslimitctl and returns the parsed output. */
export async function ctl(...argv) {
    return JSON.parse(await run("sesslimitctl", ...argv, "--json=short"));
}

/** Calls check() until it returns a true value, and returns the value. Repeats a check whose assertion fails, too. */
export async function until(what, check, seconds = 20) {
    const end = performance.now() + seconds * 1000;
    for (;;) {
        let failed = "";
        try {
            const value = await check();
            if (value) {
                return value;
            }
        } catch (error) {
            if (!(error instanceof AssertionError)) {
                throw error;
            }
            failed = `: ${error.stack}`;
        }
        if (performance.now() > end) {
            throw new Error(`${what}: not within ${seconds} s${failed}`);
        }
        await sleep(100);
    }
}

/** A client of ssh with a terminal. `output` is the text that it has printed. */
export class Shell {
    output = "";
    ended = false;

    constructor(user) {
        this.process = spawn(enter, [...prefix, "ssh", "-tt", `${user}@127.0.0.1`], { env: ENVIRONMENT });
        this.process.stdout.on("data", (data) => (this.output += data));
        this.process.stderr.on("data", (data) => (this.output += data));
        this.process.stdin.on("error", () => {}); // the client may have exited
        this.process.on("exit", () => (this.ended = true));
    }

    type(text) {
        this.process.stdin.write(text);
    }

    expect(text, seconds = 30) {
        return until(`output of ssh with ${text}`, () => this.output.includes(text), seconds);
    }

    /** Logs out. */
    end() {
        this.type("exit\n");
    }
}

/** Opens a shell and waits for its prompt. */
export async function shell(user) {
    const opened = new Shell(user);
    await opened.expect("ready> ");
    return opened;
}

/** Loads a policy. */
export async function policy(text) {
    await run("sh", "-c", 'printf "%s" "$1" > /etc/sesslimit/policy.toml', "sh", text);
    await run("sesslimitctl", "reload");
}
