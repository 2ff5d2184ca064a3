// SPDX-License-Identifier: MIT
// Elements of the page. Texts are always set as text, never as markup.

/**
 * Creates an element. A property that starts with "on" is a listener, `class` the list of classes, and any other
 * property an attribute. An attribute is omitted if its value is null or false, and empty if it is true.
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {{ [name: string]: string | number | boolean | null | undefined | ((event: any) => void) }} properties
 * @param {...(Node | string | null)} children
 * @returns {HTMLElementTagNameMap[Tag]}
 */
export function el(tag, properties = {}, ...children) {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(properties)) {
        if (typeof value === "function") {
            element.addEventListener(name.slice(2), value);
        } else if (value !== null && value !== undefined && value !== false) {
            element.setAttribute(name, value === true ? "" : String(value));
        }
    }
    element.append(...children.filter((child) => child !== null));
    return element;
}

/**
 * Sets the text of an element if it differs, so that the browser does not draw it again.
 * @param {Element} element
 * @param {string} text
 */
export function setText(element, text) {
    if (element.textContent !== text) {
        element.textContent = text;
    }
}

/**
 * Sets the point in time and the title of an element `time` if the point in time differs.
 * @param {HTMLElement} element
 * @param {number} at                      microseconds since the epoch; without one if it is not finite
 * @param {(at: number) => string} titleOf
 */
export function setTime(element, at, titleOf) {
    const date = Number.isFinite(at) ? new Date(at / 1000).toISOString() : "";
    if (element.getAttribute("datetime") !== date) {
        element.setAttribute("datetime", date);
        element.title = date ? titleOf(at) : "";
    }
}

/**
 * Creates an element with a text whose paths begin on a new line if they do not fit, and are broken after slashes.
 * @param {string} text
 */
export function withPaths(text) {
    const words = text.split(/(?<= )/).map((word) =>
        word.includes("/") ? el("span", { class: "path" }, ...word.split(/(?<=.\/)/).flatMap((part) => [part, el("wbr")])) : word);
    return el("span", {}, ...words);
}

/**
 * Returns the element with an ID of index.html.
 * @param {string} id
 * @returns {HTMLElement}
 */
export function byId(id) {
    const element = document.getElementById(id);
    if (!element) {
        throw new Error(`index.html has no element ${id}`);
    }
    return element;
}

/**
 * Creates a button.
 * @param {string} text
 * @param {() => void} onclick
 * @param {{ class?: string, [name: string]: any }} properties
 */
export function button(text, onclick, properties = {}) {
    return el("button", { type: "button", class: "secondary", ...properties, onclick }, text);
}

/**
 * Creates a definition list without the entries whose value is null.
 * @param {[string, Node | string | null][]} entries
 */
export function definitions(entries) {
    const list = el("dl");
    for (const [term, value] of entries) {
        if (value !== null) {
            list.append(el("div", {}, el("dt", {}, term), el("dd", {}, value)));
        }
    }
    return list;
}

/**
 * Creates a table with a caption for screen readers. Each row has a text or a node for each heading. The first cell of a
 * row is its heading.
 * @param {string} caption
 * @param {string[]} headings
 * @param {(Node | string)[][]} rows
 */
export function table(caption, headings, rows) {
    const head = el("tr", {}, ...headings.map((heading) => el("th", { scope: "col" }, heading)));
    const body = rows.map((cells) =>
        el("tr", {}, ...cells.map((cell, at) =>
            at === 0
                ? el("th", { scope: "row", "data-label": headings[at] }, cell)
                : el("td", { "data-label": headings[at] }, cell)))
    );
    return el("table", {}, el("caption", { class: "hidden-visually" }, caption), el("thead", {}, head), el("tbody", {}, ...body));
}

/**
 * Creates a message box. Kinds are info, warning and danger.
 * @param {"info" | "warning" | "danger"} kind
 * @param {string} title
 * @param {...(Node | string | null)} children
 */
export function notice(kind, title, ...children) {
    return el("div", { class: `notice ${kind}` }, el("strong", {}, title), ...children);
}

/**
 * Creates an open modal dialog, which is removed when it closes. The focus then returns to the element that had it.
 * @param {string} title
 * @param {(dialog: HTMLDialogElement) => (Node | string | null)[]} content
 */
export function openDialog(title, content) {
    const heading = el("h2", { id: "dialog-title" }, title);
    const dialog = el("dialog", { "aria-labelledby": "dialog-title" });
    dialog.append(heading, ...content(dialog).filter((child) => child !== null));
    const before = document.activeElement;
    dialog.addEventListener("close", () => {
        dialog.remove();
        if (before instanceof HTMLElement && before.isConnected) {
            before.focus();
        }
    });
    document.body.append(dialog);
    dialog.showModal();
    return dialog;
}
