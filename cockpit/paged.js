// SPDX-License-Identifier: MIT
// A table of many rows with a filter and columns that can be sorted. Only a part of the rows is drawn, and only the cells
// that differ.

import { _ } from "./client.js";
import { button, el, setText } from "./dom.js";

const PAGE = 100; // rows

/** @typedef {{ name: string, title: string, sort: boolean }} Column */

/**
 * A row of the table. Its item is the one that the row shows.
 * @template Item
 * @typedef {{ item: Item, row: HTMLTableRowElement, cells: { [name: string]: HTMLElement } }} Row
 */

/**
 * What a table shows. The ID of the table is `table`. The IDs of the elements beside it begin with `prefix`.
 * @template Item
 * @typedef {object} Content
 * @property {string} table
 * @property {string} prefix
 * @property {string} caption
 * @property {string} label          of the filter
 * @property {Column[]} columns      the first one contains the headings of the rows
 * @property {boolean} hasActions    whether a last column contains buttons
 * @property {string} order          the column by which the rows are sorted at first
 * @property {() => Item[]} items
 * @property {(item: Item) => string | number} keyOf
 * @property {(items: Item[], filter: string) => Item[]} filtered
 * @property {(items: Item[], column: string, descending: boolean) => Item[]} sorted
 * @property {(item: Item) => Row<Item>} createRow
 * @property {(row: Row<Item>) => void} drawRow
 * @property {(found: number, all: number) => string} countText
 * @property {(all: number) => string} emptyText
 * @property {() => void} [drawn]    called after the rows were drawn
 */

/** @template Item */
export class PagedTable {
    /** The items of the rows, in their order. @type {Item[]} */
    displayed = [];
    /** @type {Map<string | number, Row<Item>>} */
    rows = new Map();
    #limit = PAGE;
    #column;
    #isDescending = false;
    #content;
    #filter;
    /** @type {Map<string, HTMLElement>} headings that sort the rows, by the name of their column */
    #headings = new Map();
    #body = el("tbody");
    #count;
    #table;
    #empty;
    #more;

    /** @param {Content<Item>} content */
    constructor(content) {
        const { table, prefix, caption, columns, hasActions } = content;
        this.#content = content;
        this.#column = content.order;
        this.#filter = el("input", {
            type: "search", id: `${prefix}filter`, placeholder: _("Filter"), autocomplete: "off", oninput: () => this.draw(),
        });
        const head = el("tr");
        for (const { name, title, sort } of columns) {
            const sorting = button(title, () => this.#sortBy(name), { class: "sort" });
            const heading = el("th", { scope: "col", class: `column-${name}` }, sort ? sorting : title);
            if (sort) {
                this.#headings.set(name, heading);
            }
            head.append(heading);
        }
        if (hasActions) {
            head.append(el("th", { scope: "col" }, el("span", { class: "hidden-visually" }, _("Actions"))));
        }
        this.#count = el("span", { id: `${prefix}count`, role: "status" });
        this.#table = el("table", { id: table, class: "paged" },
            el("caption", { class: "hidden-visually" }, caption),
            el("thead", {}, head),
            this.#body);
        this.#empty = el("p", { id: `${prefix}empty`, class: "muted", hidden: true });
        this.#more = button(_("Show more"), () => {
            this.#limit += PAGE;
            this.draw();
        }, { id: `${prefix}more`, class: "secondary more" });
        this.#markOrder();
    }

    /**
     * Returns the elements of the table, with a heading and further controls in its toolbar.
     * @param {HTMLElement} heading
     * @param {...HTMLElement} controls
     */
    elements(heading, ...controls) {
        const label = el("label", { for: this.#filter.id, class: "hidden-visually" }, this.#content.label);
        return [
            el("div", { class: "toolbar" }, heading, ...controls, label, this.#filter, this.#count),
            this.#table,
            this.#empty,
            this.#more,
        ];
    }

    /** @param {string} column */
    #sortBy(column) {
        this.#isDescending = this.#column === column && !this.#isDescending;
        this.#column = column;
        this.#markOrder();
        this.draw();
    }

    #markOrder() {
        for (const [name, heading] of this.#headings) {
            const direction = this.#isDescending ? "descending" : "ascending";
            heading.setAttribute("aria-sort", name === this.#column ? direction : "none");
        }
    }

    /** Draws the table after a change of the items, the filter or the order. */
    draw() {
        const { items, keyOf, filtered, sorted, createRow, drawRow, countText, emptyText, drawn } = this.#content;
        const all = items();
        const found = filtered(all, this.#filter.value);
        this.displayed = sorted(found, this.#column, this.#isDescending).slice(0, this.#limit);
        const keys = new Set(this.displayed.map(keyOf));
        for (const [key, { row }] of this.rows) {
            if (!keys.has(key)) {
                row.remove();
                this.rows.delete(key);
            }
        }
        /** @type {Element | null} */
        let next = this.#body.firstElementChild;
        for (const item of this.displayed) {
            let row = this.rows.get(keyOf(item));
            if (!row) {
                row = createRow(item);
                this.rows.set(keyOf(item), row);
            }
            row.item = item;
            if (row.row === next) {
                next = next.nextElementSibling;
            } else {
                this.#body.insertBefore(row.row, next);
            }
            drawRow(row);
        }
        setText(this.#count, countText(found.length, all.length));
        this.#more.hidden = found.length <= this.#limit;
        this.#table.hidden = found.length === 0;
        this.#empty.hidden = found.length > 0;
        setText(this.#empty, emptyText(all.length));
        drawn?.();
    }
}
