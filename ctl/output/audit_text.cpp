// SPDX-License-Identifier: MIT
#include "common/text.hpp"
#include "ctl/commands/audit.hpp"
#include "ctl/output/format.hpp"
#include "ctl/output/table.hpp"

#include <algorithm>
#include <vector>

namespace sesslimit::ctl {
namespace {

using audit::Finding;
using audit::Line;

constexpr std::string_view red = "\033[31m";

std::string place(const Line& line) {
    return escape_for_display(line.file, 4096) + (line.number == 0 ? "" : ":" + std::to_string(line.number));
}

std::string quoted_place(const Line& line) {
    const std::string text =
        escape_for_display(line.text.substr(std::min(line.text.find_first_not_of(" \t"), line.text.size())));
    return place(line) + (text.empty() ? "" : ": " + text);
}

std::string ours_words(const Finding& finding) {
    if (!finding.ours) {
        return "-";
    }
    return *finding.ours ? "yes" : "no";
}

std::string scanner_words(const Finding& finding) {
    if (!finding.scanner) {
        return "-";
    }
    return *finding.scanner ? "pass" : "fail";
}

std::string evidence_words(const Finding& finding) {
    if (!finding.native.empty()) {
        return quoted_place(finding.native.front());
    }
    if (finding.policy) {
        return place(*finding.policy);
    }
    return finding.in_force ? "the default" : "not set";
}

std::string summary(const audit::Report& report) {
    const auto passed = static_cast<std::size_t>(
        std::ranges::count_if(report.findings, [](const Finding& finding) { return !finding.needs_remedy(); }));
    return "\n" + std::to_string(passed) + " of " + counted(report.findings.size(), "control") + " passed.\n";
}

/// Returns the words that introduce the lines of a remedy.
std::string_view action_of(const audit::Remedy& remedy) {
    if (remedy.line != 0) {
        return ", change to:";
    }
    return remedy.at_top ? ", add at the top:" : ", add:";
}

/// Returns the proposed changes of a report. Each change is listed once, because several controls may require it. Lines
/// that are added at the same place are combined.
std::vector<audit::Remedy> combined_remedies(const audit::Report& report) {
    std::vector<audit::Remedy> listed;
    std::vector<audit::Remedy> combined;
    for (const Finding& finding : report.findings) {
        for (const audit::Remedy& remedy : finding.remedies) {
            if (std::ranges::find(listed, remedy) != listed.end()) {
                continue;
            }
            listed.push_back(remedy);
            const auto same = std::ranges::find_if(combined, [&remedy](const audit::Remedy& other) {
                return remedy.line == 0 && other.line == 0 && other.file == remedy.file;
            });
            if (same == combined.end()) {
                combined.push_back(remedy);
            } else {
                same->lines.insert(same->lines.end(), remedy.lines.begin(), remedy.lines.end());
            }
        }
    }
    return combined;
}

std::string remedies(const audit::Report& report) {
    std::string text;
    for (const audit::Remedy& remedy : combined_remedies(report)) {
        text += "  " + place({remedy.file, remedy.line, {}});
        text += action_of(remedy);
        for (const std::string& line : remedy.lines) {
            text += "\n      " + escape_for_display(line, 4096);
        }
        text += "\n";
    }
    return text.empty() ? "" : "\nChanges that satisfy the controls:\n" + text;
}

std::string lines_with_controls(const audit::Report& report) {
    std::string text;
    for (const Finding& finding : report.findings) {
        for (const Line& line : finding.exceptions) {
            text += "  " + std::string(finding.control->id) + ": rule \"" + escape_for_display(line.text) + "\", " +
                    place({line.file, line.number, {}}) + "\n";
        }
    }
    return text.empty() ? "" : "\nPolicy rules that are less strict than a control:\n" + text;
}

std::string warnings_text(const audit::Report& report) {
    std::string text;
    for (const audit::Warning& warning : report.warnings) {
        text += "  " + warning.what + "\n";
        for (const Line& line : warning.at) {
            text += "      " + quoted_place(line) + "\n";
        }
    }
    return text.empty() ? "" : "\nWarnings:\n" + text;
}

} // namespace

std::string audit_text(const audit::Report& report, const Style& style) {
    Table table{.columns = {{.heading = "CONTROL"},
                            {.heading = "REQUIREMENT", .least = 12},
                            {.heading = "SCANNER"},
                            {.heading = "IN FORCE"},
                            {.heading = "SESSLIMIT", .leaves = 1},
                            {.heading = "EVIDENCE", .least = 16}},
                .rows = {},
                .paint = {}};
    for (const Finding& finding : report.findings) {
        table.rows.push_back({std::string(finding.control->id), audit::asked_for(*finding.control),
                              scanner_words(finding), finding.in_force ? "yes" : "no", ours_words(finding),
                              evidence_words(finding)});
        table.paint.emplace_back(finding.needs_remedy() && style.colour ? red : "");
    }
    return drawn(table, style) + remedies(report) + lines_with_controls(report) + warnings_text(report) +
           (style.legend ? summary(report) : "");
}

} // namespace sesslimit::ctl
