// SPDX-License-Identifier: MIT
#include "common/text.hpp"
#include "ctl/commands/audit.hpp"
#include "ctl/output/json_text.hpp"

namespace sesslimit::ctl {
namespace {

using Value = nlohmann::ordered_json;
using audit::Line;

Value value_of(const Line& line) {
    return {{"file", as_utf8(line.file, 4096)},
            {"line", line.number == 0 ? Value(nullptr) : Value(line.number)},
            {"text", line.text.empty() ? Value(nullptr) : Value(as_utf8(line.text, 1024))}};
}

Value list_of(const std::vector<Line>& lines) {
    Value list = Value::array();
    for (const Line& line : lines) {
        list.push_back(value_of(line));
    }
    return list;
}

Value value_of(const audit::Remedy& remedy) {
    return {{"file", as_utf8(remedy.file, 4096)},
            {"line", remedy.line == 0 ? Value(nullptr) : Value(remedy.line)},
            {"at_top", remedy.at_top},
            {"lines", remedy.lines}};
}

Value value_of(const audit::Finding& finding) {
    return {
        {"control", finding.control->id},
        {"profile", audit::name_of(finding.control->profile)},
        {"asks", audit::asked_for(*finding.control)},
        {"pass", finding.pass},
        {"sesslimit", finding.ours ? Value(*finding.ours) : Value(nullptr)},
        {"native", list_of(finding.native)},
        {"policy", finding.policy ? value_of(*finding.policy) : Value(nullptr)},
        {"exceptions", list_of(finding.exceptions)},
        {"remedy", finding.remedy ? value_of(*finding.remedy) : Value(nullptr)},
    };
}

} // namespace

std::string audit_json(const audit::Report& report, const audit::Native& native, Json json) {
    Value findings = Value::array();
    for (const audit::Finding& finding : report.findings) {
        findings.push_back(value_of(finding));
    }
    Value warnings = Value::array();
    for (const audit::Warning& warning : report.warnings) {
        warnings.push_back({{"what", warning.what}, {"at", list_of(warning.at)}});
    }
    const Value value{{"os", as_utf8(native.os)},
                      {"version", as_utf8(native.version)},
                      {"findings", std::move(findings)},
                      {"warnings", std::move(warnings)}};
    return json_text(value, json);
}

} // namespace sesslimit::ctl
