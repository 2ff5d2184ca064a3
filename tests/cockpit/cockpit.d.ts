// SPDX-License-Identifier: MIT
// The part of Cockpit's API that cockpit/client.js uses.

interface CockpitEvents {
    addEventListener(event: string, listener: (event: Event, ...arguments: any[]) => void): void;
    removeEventListener(event: string, listener: (event: Event, ...arguments: any[]) => void): void;
}

/** An error of a channel or of a D-Bus call. */
interface CockpitError {
    problem?: string | null;
    name?: string;
    message: string;
    exit_status?: number | null;
}

interface CockpitDBus extends CockpitEvents {
    call(
        path: string,
        interface_: string,
        method: string,
        arguments_: unknown[],
        options?: { type?: string; timeout?: number }
    ): Promise<any[]>;
    subscribe(
        match: { path?: string; interface?: string; member?: string },
        callback: (path: string, interface_: string, signal: string, arguments_: any[]) => void
    ): { remove(): void };
    close(problem?: string): void;
}

interface CockpitSpawn extends Promise<string> {
    stream(callback: (data: string) => void): CockpitSpawn;
    close(problem?: string): void;
}

interface CockpitLocation {
    path: string[];
    go(path: string[]): void;
}

interface Cockpit extends CockpitEvents {
    hidden: boolean;
    language: string;
    location: CockpitLocation;
    dbus(name: string, options: { bus: "system"; superuser: "try" }): CockpitDBus;
    spawn(argv: string[], options: { superuser?: "try" | "require"; err?: "message" | "ignore" | "out" }): CockpitSpawn;
    permission(options: { admin: boolean }): CockpitEvents & { allowed: boolean | null };
    user(): Promise<{ name: string; id: number }>;
    /** Sets the texts of a language. */
    locale(catalog: { [text: string]: unknown }): void;
    gettext(text: string): string;
    ngettext(one: string, many: string, number: number): string;
    format(template: string, ...arguments: unknown[]): string;
}

declare const cockpit: Cockpit;
