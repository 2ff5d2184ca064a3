// SPDX-License-Identifier: MIT
// Access to the host through Cockpit: the daemon over D-Bus, commands, permissions and translations. No other file uses
// the global `cockpit`.

import { endedOf, fleetSessionsOf, hostsOf, statusOf } from "./hosts.js";
import { HostClock, sessionInCgroup, sessionOf, timeOf } from "./model.js";
import { explanationOf, settingsOf, settingsOfJson } from "./settings.js";

/** @import { Ended, FleetSession, FleetStatus, Host } from "./hosts.js" */
/** @import { Dictionary, Session } from "./model.js" */
/** @import { Explanation, Setting } from "./settings.js" */

const NAME = "org.sesslimit1";
const PATH = "/org/sesslimit1";
const MANAGER = "org.sesslimit1.Manager";
const TIMEOUT = 8_000; // milliseconds
const FLEET_SOCKET = "/run/sesslimit-fleet-admin.sock"; // of sesslimit-fleetd, for sesslimitctl fleet

export const _ = cockpit.gettext;
export const ngettext = cockpit.ngettext;
export const format = cockpit.format;
export const language = cockpit.language || "en";

/** A failure with a text for the user. `kind` is one of the words that the page handles differently. */
export class Failure extends Error {
    /**
     * @param {"absent" | "slow" | "unsupported" | "gone" | "denied" | "other"} kind
     * @param {string} message
     */
    constructor(kind, message) {
        super(message);
        this.kind = kind;
    }
}

/**
 * @param {any} error  an error of Cockpit
 * @returns {Failure}
 */
function failureOf(error) {
    const { name = "", problem = "", message } = /** @type {CockpitError} */ (error);
    const text = message || problem || String(error);
    // The bus also reports NoReply if the daemon exits. The page then asks again, because the name has another owner.
    if (/\.(NoReply|Timeout|TimedOut)$/.test(name) || problem === "timeout") {
        return new Failure("slow", _("sesslimitd does not answer in time."));
    }
    if (/\.(ServiceUnknown|NameHasNoOwner|Disconnected|Spawn\.\w+)$/.test(name) || problem) {
        return problem === "access-denied" ? new Failure("denied", text) : new Failure("absent", text);
    }
    if (/\.(UnknownMethod|UnknownProperty|UnknownInterface|UnknownObject)$/.test(name)) {
        return new Failure("unsupported", text);
    }
    if (/\.NoSuchSession$/.test(name)) {
        return new Failure("gone", text);
    }
    return new Failure(/\.(AccessDenied|InteractiveAuthorizationRequired)$/.test(name) ? "denied" : "other", text);
}

/**
 * State of the daemon. `clock` is false if the daemon is older than this page and does not report its time.
 * @typedef {object} Status
 * @property {string} version
 * @property {string} policyState   files, kept or none
 * @property {string[]} problems
 * @property {boolean} recording
 * @property {boolean} clock
 */

/** The daemon. The next call after a disconnection connects again. */
class Daemon {
    /** @type {CockpitDBus | null} */
    #bus = null;
    #clock = new HostClock(Date.now(), performance.now());
    /** @type {(signal: string, argument: any) => void} */
    onSignal = () => {};
    /** Called when a daemon appears on the bus or disappears from it. */
    onOwner = () => {};

    #connect() {
        const bus = cockpit.dbus(NAME, { bus: "system", superuser: "try" });
        /** @type {string | null | undefined} undefined until the owner is known */
        let owner;
        bus.addEventListener("owner", (_event, name) => {
            if (owner !== undefined && name !== owner) {
                this.onOwner();
            }
            owner = name;
        });
        bus.addEventListener("close", () => {
            if (this.#bus === bus) {
                this.#bus = null; // the next call connects again
                this.onOwner();
            }
        });
        bus.subscribe({ path: PATH, interface: MANAGER }, (_path, _interface, signal, [argument]) =>
            this.onSignal(signal, argument)
        );
        return bus;
    }

    /**
     * @param {string} method
     * @param {string} type       signature of the arguments
     * @param {unknown[]} values
     * @param {string} iface
     * @returns {Promise<any[]>}
     */
    async #call(method, type = "", values = [], iface = MANAGER) {
        this.#bus ??= this.#connect();
        try {
            return await this.#bus.call(PATH, iface, method, values, { type, timeout: TIMEOUT });
        } catch (error) {
            throw failureOf(error);
        }
    }

    /** Returns the host's time in microseconds since the epoch. */
    now() {
        return this.#clock.now(performance.now());
    }

    /**
     * Reads the state of the daemon, and sets the clock of the page.
     * @returns {Promise<Status>}
     */
    async status() {
        const asked = performance.now();
        const [values] = await this.#call("GetAll", "s", [MANAGER], "org.freedesktop.DBus.Properties");
        const clock = values.Now ? timeOf(values.Now.v) : null;
        if (clock !== null) {
            this.#clock.set(clock, asked, performance.now());
        }
        return {
            version: values.Version?.v ?? "",
            policyState: values.PolicyState?.v ?? "files",
            problems: values.PolicyProblems?.v ?? [],
            recording: values.Recording?.v ?? true,
            clock: clock !== null,
        };
    }

    /** @returns {Promise<Session[]>} */
    async sessions() {
        const [dictionaries] = await this.#call("ListSessions");
        return dictionaries.map(sessionOf);
    }

    /**
     * @param {string} id
     * @returns {Promise<Session>}
     */
    async session(id) {
        const [dictionary] = await this.#call("GetSession", "s", [id]);
        return sessionOf(dictionary);
    }

    /**
     * @param {string[]} ids
     * @returns {Promise<[string, number, number, string][]>}
     */
    async idleTimes(ids) {
        const [rows] = await this.#call("ListIdle", "as", [ids]);
        return rows;
    }

    /**
     * Returns the limits of a session, with the properties that its login had. If the user may not see them, or if the
     * daemon is older, the result is about a new login with the known properties, and `exact` is false.
     * @param {Session} session
     * @returns {Promise<Explanation & { exact: boolean }>}
     */
    async explainSession(session) {
        try {
            return { ...explanationOf(await this.#call("ExplainSession", "s", [session.id])), exact: true };
        } catch (error) {
            if (!(error instanceof Failure) || !["unsupported", "denied"].includes(error.kind)) {
                throw error;
            }
        }
        const { user, service, origin, seat, method, credential } = session;
        return { ...(await this.explain({ user, service, origin, seat, method, credential })), exact: false };
    }

    /**
     * Explains a login. Empty facts are left to the daemon.
     * @param {{ user: string, service?: string, origin?: string, seat?: string, method?: string, credential?: string }} login
     * @returns {Promise<Explanation>}
     */
    async explain(login) {
        /** @type {Dictionary} */
        const facts = {};
        for (const [key, value] of Object.entries(login)) {
            if (value) {
                facts[key[0].toUpperCase() + key.slice(1)] = { t: "s", v: value };
            }
        }
        return explanationOf(await this.#call("Explain", "a{sv}", [facts]));
    }

    /**
     * Returns the limits of logins that match no rule. For an older daemon, the command reads them from the files.
     * @returns {Promise<Setting[]>}
     */
    async defaults() {
        try {
            return settingsOf(await this.#call("Defaults"));
        } catch (error) {
            if (!(error instanceof Failure) || error.kind !== "unsupported") {
                throw error;
            }
            return settingsOfJson(await sesslimitctl(["defaults"]));
        }
    }

    /**
     * Terminates one session, all sessions of a user, or all sessions of a credential.
     * @param {{ id: string } | { uid: number } | { credential: string }} target
     * @param {string} message  text for the users, or an empty text
     */
    async end(target, message) {
        const options = message ? { message: { t: "s", v: message } } : {};
        if ("id" in target) {
            await this.#call("EndSession", "sa{sv}", [target.id, options]);
        } else if ("uid" in target) {
            await this.#call("EndUser", "sa{sv}", [`uid:${target.uid}`, options]);
        } else {
            await this.#call("EndCredential", "sa{sv}", [target.credential, options]);
        }
    }
}

export const daemon = new Daemon();

/**
 * Runs a command, and passes its standard output to the function as it arrives.
 * @param {string[]} argv
 * @param {"try" | "require" | undefined} superuser
 * @param {(data: string) => void} receive
 */
async function runWith(argv, superuser, receive) {
    try {
        await cockpit.spawn(argv, { superuser, err: "message" }).stream(receive);
    } catch (error) {
        throw failureOf(error);
    }
}

/**
 * Runs a command. Returns its standard output, also if the command fails and `mayFail` is true.
 * @param {string[]} argv
 * @param {{ superuser?: "try" | "require", mayFail?: boolean }} options
 */
async function run(argv, { superuser, mayFail = false } = {}) {
    let output = "";
    try {
        await runWith(argv, superuser, (data) => {
            output += data;
        });
    } catch (error) {
        if (!mayFail || output === "") {
            throw error;
        }
    }
    return output;
}

/**
 * Runs sesslimitctl, as root if possible, and returns the parsed JSON output. A failed command that has printed JSON
 * reports its failure there.
 * @param {string[]} argv
 * @param {{ superuser?: "try" | "require", names?: string[] }} options  `names` are arguments that are no options
 * @returns {Promise<any>}
 */
export async function sesslimitctl(argv, { superuser = "try", names = [] } = {}) {
    const separated = names.length > 0 ? ["--", ...names] : [];
    const output = await run(["sesslimitctl", ...argv, "--json=short", ...separated], { superuser, mayFail: true });
    try {
        return JSON.parse(output);
    } catch {
        throw new Failure("other", output.trim());
    }
}

/** The fleet of the host. Its socket is only accessible to root. */
export const fleet = {
    /** Returns whether sesslimit-fleetd can be asked on this host. */
    async exists() {
        try {
            await run(["test", "-S", FLEET_SOCKET]);
            return true;
        } catch {
            return false;
        }
    },

    /** @returns {Promise<FleetStatus>} */
    async status() {
        return statusOf(await sesslimitctl(["fleet", "status"], { superuser: "require" }));
    },

    /** @returns {Promise<Host[]>} */
    async hosts() {
        return hostsOf(await sesslimitctl(["fleet", "hosts"], { superuser: "require" }));
    },

    /**
     * Returns the sessions of all users, or those of one user, who is given as a name or as "uid:" and an ID.
     * @param {string} user
     * @returns {Promise<FleetSession[]>}
     */
    async sessions(user = "") {
        const names = user ? [user] : [];
        return fleetSessionsOf(await sesslimitctl(["fleet", "list"], { superuser: "require", names }));
    },

    /**
     * Terminates all sessions of a user on all hosts. Waits until the hosts have answered, at most for some seconds.
     * @param {string} user
     * @param {string} message  text for the user, or an empty text
     * @returns {Promise<Ended[]>}
     */
    async endUser(user, message) {
        const options = message ? [`--message=${message}`] : [];
        return endedOf(await sesslimitctl(["fleet", "end-user", ...options], { superuser: "require", names: [user] }));
    },
};

/**
 * Returns the command that prints the newest entries of the journal about these events as lines of JSON, newest first.
 * @param {number} count
 * @param {string[]} events
 * @param {string} fields
 */
function journalctl(count, events, fields) {
    const options = ["--quiet", "--no-pager", "--reverse", "--output=json", `--output-fields=${fields}`, `--lines=${count}`];
    return ["journalctl", ...options, "_COMM=sesslimitd", ...events.map((event) => `SESSLIMIT_EVENT=${event}`)];
}

/**
 * Returns the newest entries of the journal about denied logins and terminated sessions, as lines of JSON.
 * @param {number} count
 */
export function journal(count) {
    const fields = "MESSAGE,SESSLIMIT_EVENT,SESSLIMIT_USER,SESSLIMIT_ORIGIN";
    return run(journalctl(count, ["denied", "denials-repeated", "ended"], fields), { superuser: "require" });
}

/**
 * Reads the newest entries of the journal about the start or the end of a session, newest first. The function gets each
 * line of JSON as it arrives, so that many entries do not block the page.
 * @param {number} count
 * @param {(line: string) => void} receive
 */
export async function journalOfSessions(count, receive) {
    const fields = "SESSLIMIT_EVENT,SESSLIMIT_KEY,SESSLIMIT_DURATION";
    let rest = "";
    await runWith(journalctl(count, ["admitted", "adopted", "ended", "released"], fields), "require", (data) => {
        const lines = (rest + data).split("\n");
        rest = lines.pop() ?? "";
        lines.forEach(receive);
    });
}

/**
 * Returns whether systemd knows the daemon's unit.
 * @returns {Promise<boolean>}
 */
export async function isInstalled() {
    const state = await run(["systemctl", "show", "--property=LoadState", "--value", "sesslimitd.service"]);
    return state.trim() !== "not-found";
}

/** Starts the daemon, with administrative access. */
export async function startDaemon() {
    await run(["systemctl", "start", "sesslimitd.socket", "sesslimitd.service"], { superuser: "require" });
}

/**
 * Returns the user of the page, and the ID of the session in which Cockpit serves the page.
 * @returns {Promise<{ name: string, uid: number, session: string }>}
 */
export async function whoAmI() {
    const [user, cgroup] = await Promise.all([cockpit.user(), run(["cat", "/proc/self/cgroup"]).catch(() => "")]);
    return { name: user.name, uid: user.id, session: sessionInCgroup(cgroup) };
}

/**
 * Returns whether the page has administrative access. Cockpit loads the page again when that changes.
 * @returns {Promise<boolean>}
 */
export function isAdministrator() {
    return new Promise((resolve) => {
        const permission = cockpit.permission({ admin: true });
        const decide = () => {
            if (permission.allowed !== null) {
                permission.removeEventListener("changed", decide);
                resolve(permission.allowed);
            }
        };
        permission.addEventListener("changed", decide);
        decide();
    });
}

/**
 * Calls the function whenever the page is hidden or shown.
 * @param {(hidden: boolean) => void} callback
 */
export function onVisibility(callback) {
    cockpit.addEventListener("visibilitychange", () => callback(cockpit.hidden));
}

export function isHidden() {
    return cockpit.hidden;
}

/** Returns the parts of the page's address, such as ["session", "12"]. */
export function path() {
    return cockpit.location.path;
}

/**
 * Changes the page's address.
 * @param {string[]} parts
 */
export function go(...parts) {
    cockpit.location.go(parts);
}

/**
 * Calls the function after each change of the page's address.
 * @param {() => void} callback
 */
export function onPath(callback) {
    cockpit.addEventListener("locationchanged", callback);
}
