// SPDX-License-Identifier: MIT
// Follows the style of Cockpit's shell: light, dark, or that of the browser. sessions.css has the colors.

const preferred = window.matchMedia("(prefers-color-scheme: dark)");

/** @param {string | null} style  auto, light or dark */
function apply(style) {
    const dark = style === "dark" || (style !== "light" && preferred.matches);
    document.documentElement.dataset.theme = dark ? "dark" : "light";
}

function applyStored() {
    apply(localStorage.getItem("shell:style"));
}

// The shell stores the choice, and sends this event to its pages.
window.addEventListener("cockpit-style", (event) => {
    apply(event instanceof CustomEvent ? event.detail.style : null);
});
window.addEventListener("storage", (event) => {
    if (event.key === "shell:style") {
        applyStored();
    }
});
preferred.addEventListener("change", applyStored);
applyStored();
