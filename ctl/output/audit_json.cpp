// SPDX-License-Identifier: MIT
#include "common/text.hpp"
#include "ctl/commands/audit.hpp"
#include "ctl/output/json_text.hpp"

#include <array>
#include <ctime>
#include <span>

namespace sesslimit::ctl {
namespace {

using Value = nlohmann::ordered_json;
using audit::Line;

/// Formats a time as "2026-11-23T14:02:05Z", or returns null if the C library cannot represent it.
Value utc(Usec at) {
    const std::time_t seconds = static_cast<std::time_t>(at / 1'000'000);
    std::tm parts{};
    std::array<char, 64> text{};
    if (gmtime_r(&seconds, &parts) == nullptr ||
        std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%SZ", &parts) == 0) {
        return nullptr;
    }
    return text.data();
}

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

Value value_of(std::span<const std::string_view> texts) {
    Value list = Value::array();
    for (const std::string_view text : texts) {
        list.push_back(text);
    }
    return list;
}

Value value_of(const audit::Finding& finding) {
    const audit::Identifiers identifiers = audit::identifiers_of(finding.control->check);
    Value remedies = Value::array();
    for (const audit::Remedy& remedy : finding.remedies) {
        remedies.push_back(value_of(remedy));
    }
    return {
        {"control", finding.control->id},
        {"profile", finding.control->profile ? Value(audit::name_of(*finding.control->profile)) : Value(nullptr)},
        {"asks", audit::asked_for(*finding.control)},
        {"rule", finding.scanner ? Value(identifiers.rule) : Value(nullptr)},
        {"cci", value_of(identifiers.cci)},
        {"nist", value_of(identifiers.nist)},
        {"pass", finding.pass()},
        {"scanner", finding.scanner ? Value(*finding.scanner) : Value(nullptr)},
        {"in_force", finding.in_force},
        {"sesslimit", finding.ours ? Value(*finding.ours) : Value(nullptr)},
        {"native", list_of(finding.native)},
        {"policy", finding.policy ? value_of(*finding.policy) : Value(nullptr)},
        {"exceptions", list_of(finding.exceptions)},
        {"remedies", std::move(remedies)},
    };
}

Value value_of(const PolicyEvidence& policy) {
    Value files = Value::array();
    for (const auto& [file, digest] : policy.files) {
        files.push_back({{"file", as_utf8(file, 4096)}, {"sha256", digest}});
    }
    return {{"valid", policy.valid}, {"sha256", policy.digest}, {"files", std::move(files)}};
}

Value value_of(const DaemonEvidence& daemon) {
    return {{"running", daemon.status.has_value()},
            {"version", daemon.status ? Value(daemon.status->version) : Value(nullptr)},
            {"policy", daemon.status ? Value(daemon.status->policy_state) : Value(nullptr)},
            {"policy_since", daemon.status ? Value(daemon.status->policy_since) : Value(nullptr)},
            {"records_sessions", daemon.status ? Value(daemon.status->recording) : Value(nullptr)}};
}

} // namespace

std::string audit_json(const audit::Report& report, const AuditEvidence& evidence, Json json) {
    Value findings = Value::array();
    for (const audit::Finding& finding : report.findings) {
        findings.push_back(value_of(finding));
    }
    Value warnings = Value::array();
    for (const audit::Warning& warning : report.warnings) {
        warnings.push_back({{"what", warning.what}, {"at", list_of(warning.at)}});
    }
    const Value value{{"host", as_utf8(evidence.host)},
                      {"time", utc(evidence.time)},
                      {"sesslimit_version", SESSLIMIT_VERSION},
                      {"os", as_utf8(evidence.os)},
                      {"version", as_utf8(evidence.os_version)},
                      {"policy", value_of(evidence.policy)},
                      {"daemon", evidence.daemon ? value_of(*evidence.daemon) : Value(nullptr)},
                      {"findings", std::move(findings)},
                      {"warnings", std::move(warnings)}};
    return json_text(value, json);
}

} // namespace sesslimit::ctl
