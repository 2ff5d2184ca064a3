// SPDX-License-Identifier: MIT
// The state of the page: sessions, the state of the daemon, and the user. Follows the daemon while the page is visible.
// A hidden page makes no calls, and reads everything again when it is shown.

import { daemon, Failure, isAdministrator, isHidden, isInstalled, onVisibility, whoAmI } from "./client.js";
import { sessionOf, withIdleTimes } from "./model.js";

/** @import { Status } from "./client.js" */
/** @import { Dictionary, Session } from "./model.js" */

// Milliseconds.
const IDLE_EVERY = 5_000;
const LIST_EVERY = 60_000;
const LIST_EVERY_WITHOUT_IDLE_TIMES = 15_000; // for a daemon without ListIdle
const RETRY_AFTER = 5_000;
const COLLECT_SIGNALS = 200;
const TERMINAL_AFTER = 2_500; // sshd opens the terminal after the login, and the daemon updates its list every 2 s

/** Number of sessions that are read one by one. Above it, the whole list is read. */
const MAX_SINGLE = 20;

/** Number of IDs that the daemon accepts in one call of ListIdle. */
const MAX_IDLE_TIMES = 1_000;

class Store {
    /** @type {Map<number, Session>} by the daemon's number */
    sessions = new Map();
    /** @type {Status | null} null before the first answer, and if the daemon does not run */
    status = null;
    /** @type {"loading" | "ready" | "slow" | "stopped" | "missing" | "failed"} */
    state = "loading";
    failure = "";
    hasIdleTimes = true;
    me = { name: "", uid: -1, session: "" };
    administrator = false;
    /** Returns the sessions whose idle times are followed. Set by the view. @type {() => Session[]} */
    followed = () => [];
    /** @type {Set<() => void>} */
    #listeners = new Set();
    /** @type {Set<(signal: string) => void>} */
    #signalListeners = new Set();
    /** @type {Map<number, string>} number and ID of sessions to read again */
    #changed = new Map();
    /** @type {{ [name: string]: ReturnType<typeof setTimeout> }} */
    #timers = {};
    #reading = false;
    #again = false;

    /** @param {() => void} listener  called after each change of the state */
    onChange(listener) {
        this.#listeners.add(listener);
    }

    /** @param {(signal: string) => void} listener  called after each signal of the daemon */
    onSignal(listener) {
        this.#signalListeners.add(listener);
    }

    /** Finds out who uses the page. Must be called first. */
    async identify() {
        [this.me, this.administrator] = await Promise.all([whoAmI(), isAdministrator()]);
    }

    /** Connects to the daemon. */
    async start() {
        daemon.onSignal = (signal, argument) => this.#receive(signal, argument);
        daemon.onOwner = () => this.refresh();
        onVisibility((hidden) => (hidden ? this.#stop(...Object.keys(this.#timers)) : this.refresh()));
        await this.refresh();
    }

    /** @param {string} id */
    byId(id) {
        return [...this.sessions.values()].find((session) => session.id === id) ?? null;
    }

    /** Returns the session in which Cockpit serves this page, or null. */
    own() {
        return this.byId(this.me.session);
    }

    /**
     * Returns whether the user may terminate the session.
     * @param {Session} session
     */
    mayEnd(session) {
        return this.administrator || session.uid === this.me.uid;
    }

    /** Reads everything again. */
    async refresh() {
        if (isHidden()) {
            return;
        }
        if (this.#reading) {
            this.#again = true;
            return;
        }
        this.#reading = true;
        do {
            this.#again = false;
            await this.#read();
        } while (this.#again && !isHidden());
        this.#reading = false;
    }

    async #read() {
        this.#stop("list", "idle", "changed");
        try {
            const [status, sessions] = await Promise.all([daemon.status(), daemon.sessions()]);
            this.status = status;
            this.sessions = new Map(sessions.map((session) => [session.key, session]));
            this.state = "ready";
            const every = this.hasIdleTimes ? LIST_EVERY : LIST_EVERY_WITHOUT_IDLE_TIMES;
            this.#after("list", every, () => this.refresh());
            this.#after("idle", IDLE_EVERY, () => this.#readIdleTimes());
            this.#notify();
        } catch (error) {
            await this.#fail(error);
        }
    }

    /**
     * Shows a failure, and asks again later.
     * @param {unknown} error
     */
    async #fail(error) {
        this.status = null;
        this.sessions = new Map();
        this.hasIdleTimes = true; // the next daemon may be another version
        this.failure = error instanceof Error ? error.message : String(error);
        const kind = error instanceof Failure ? error.kind : "other";
        if (kind === "absent") {
            this.state = (await isInstalled().catch(() => true)) ? "stopped" : "missing";
        } else {
            this.state = kind === "slow" ? "slow" : "failed";
        }
        this.#after("list", RETRY_AFTER, () => this.refresh());
        this.#notify();
    }

    async #readIdleTimes() {
        const ids = this.followed().slice(0, MAX_IDLE_TIMES).map((session) => session.id);
        if (ids.length > 0 && this.hasIdleTimes) {
            try {
                const rows = new Map((await daemon.idleTimes(ids)).map((row) => [row[0], row]));
                for (const [key, session] of this.sessions) {
                    const row = rows.get(session.id);
                    if (row) {
                        this.sessions.set(key, withIdleTimes(session, row));
                    }
                }
                this.#notify();
            } catch (error) {
                const kind = error instanceof Failure ? error.kind : "other";
                this.hasIdleTimes = kind !== "unsupported";
                if (kind === "slow") {
                    await this.#fail(error); // a further call would also take long
                } else {
                    this.refresh();
                }
                return;
            }
        }
        this.#after("idle", IDLE_EVERY, () => this.#readIdleTimes());
    }

    /**
     * @param {string} signal
     * @param {Dictionary | string} argument
     */
    #receive(signal, argument) {
        if (isHidden()) {
            return;
        }
        if (typeof argument === "string") {
            this.refresh(); // PolicyChanged
        } else if (signal !== "SessionDenied") {
            const { key, id } = sessionOf(argument);
            this.#changed.set(key, id);
            this.#after("changed", COLLECT_SIGNALS, () => this.#readChanged(), false);
            if (signal === "SessionOpened") {
                this.#after("opened", TERMINAL_AFTER, () => this.refresh(), false);
            }
        }
        for (const listener of this.#signalListeners) {
            listener(signal);
        }
    }

    async #readChanged() {
        const changed = [...this.#changed];
        this.#changed.clear();
        if (changed.length > MAX_SINGLE) {
            this.refresh();
            return;
        }
        await Promise.all(
            changed.map(async ([key, id]) => {
                try {
                    const session = await daemon.session(id);
                    this.sessions.set(session.key, session);
                } catch (error) {
                    if (error instanceof Failure && error.kind === "gone") {
                        this.sessions.delete(key);
                    }
                }
            })
        );
        this.#notify();
    }

    #notify() {
        for (const listener of this.#listeners) {
            listener();
        }
    }

    /**
     * Calls the function once after a time, unless the page is hidden or becomes hidden.
     * @param {string} name
     * @param {number} milliseconds
     * @param {() => void} callback
     * @param {boolean} restart  false: a pending call with this name stays
     */
    #after(name, milliseconds, callback, restart = true) {
        if (isHidden()) {
            return; // an answer that arrives in a hidden page causes no further calls
        }
        if (this.#timers[name] !== undefined) {
            if (!restart) {
                return;
            }
            clearTimeout(this.#timers[name]);
        }
        this.#timers[name] = setTimeout(() => {
            delete this.#timers[name];
            callback();
        }, milliseconds);
    }

    /** @param {string[]} names  names of the calls to cancel */
    #stop(...names) {
        for (const name of names) {
            clearTimeout(this.#timers[name]);
            delete this.#timers[name];
        }
        this.#changed.clear();
    }
}

export const store = new Store();
