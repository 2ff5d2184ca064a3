// SPDX-License-Identifier: MIT
#include "common/text.hpp"
#include "ctl/output/json_text.hpp"
#include "ctl/output/json_values.hpp"
#include "ctl/output/settings.hpp"

namespace sesslimit::ctl {
namespace {

using Value = nlohmann::ordered_json;
using policy_edit::Effect;
using policy_edit::SetValue;
using policy_edit::WrittenRule;
using policy_edit::WrittenSetting;

Value json_value(const policy::Node& node) {
    switch (node.kind) {
    case policy::Node::Kind::boolean:
        return node.truth;
    case policy::Node::Kind::integer:
        return node.number;
    case policy::Node::Kind::text:
        return as_utf8(node.text);
    case policy::Node::Kind::list: {
        Value list = Value::array();
        for (const policy::Node& item : node.items) {
            list.push_back(json_value(item));
        }
        return list;
    }
    case policy::Node::Kind::real:
    case policy::Node::Kind::moment:
    case policy::Node::Kind::table:
        break;
    }
    return nullptr;
}

Value json_value(const std::optional<policy::Node>& node) {
    return node ? json_value(*node) : Value(nullptr);
}

Value name_or_null(const std::string& name) {
    return name.empty() ? Value(nullptr) : Value(as_utf8(name));
}

Value line_or_null(std::uint32_t line) {
    return line == 0 ? Value(nullptr) : Value(line);
}

Value time_or_null(Usec at) {
    return at == infinity ? Value(nullptr) : Value(at);
}

Value tier_of(const std::optional<policy::Tier>& tier) {
    return !tier ? Value(nullptr) : Value(*tier == policy::Tier::managed ? "managed" : "host");
}

Value json_value(const SetValue& value) {
    return {{"value", value.value},
            {"tier", tier_of(value.tier)},
            {"rule", name_or_null(value.rule)},
            {"file", name_or_null(value.file)},
            {"line", line_or_null(value.line)}};
}

std::string_view name_of(Effect::Kind kind) {
    switch (kind) {
    case Effect::Kind::in_effect:
        return "in-effect";
    case Effect::Kind::same_value:
        return "same-value";
    case Effect::Kind::later_file:
        return "later-file";
    case Effect::Kind::stricter:
        return "stricter";
    case Effect::Kind::preferred:
        return "preferred";
    case Effect::Kind::not_set:
        break;
    }
    return "not-set";
}

std::string_view name_of(SetReport::Reload reload) {
    switch (reload) {
    case SetReport::Reload::done:
        return "done";
    case SetReport::Reload::not_running:
        return "not-running";
    case SetReport::Reload::unknown:
        return "unknown";
    case SetReport::Reload::rejected:
        return "rejected";
    case SetReport::Reload::none:
        break;
    }
    return "none";
}

Value json_value(const SettingChange& change) {
    Value rules = Value::array();
    for (const SetValue& rule : change.effect.rules) {
        rules.push_back(json_value(rule));
    }
    const auto& observed = change.effect.observed_by;
    return {
        {"key", policy_edit::written(change.key)},
        {"before", json_value(change.before)},
        {"after", json_value(change.after)},
        {"effect", change.after ? name_of(change.effect.kind) : name_of(Effect::Kind::not_set)},
        {"applies", change.effect.applies ? json_value(*change.effect.applies) : Value(nullptr)},
        {"rules", std::move(rules)},
        {"observed_by", observed ? Value{{"file", as_utf8(observed->file)}, {"line", observed->line}} : Value(nullptr)},
    };
}

Value json_value(const WrittenSetting& setting) {
    return {{"key", as_utf8(policy_edit::written(setting.key))},
            {"value", json_value(setting.value)},
            {"file", as_utf8(setting.file)},
            {"line", setting.line}};
}

Value json_value(const Session& session) {
    return {{"id", session.id},
            {"user", session.user},
            {"uid", session.uid},
            {"duration_ends_at", time_or_null(session.duration_ends_at)},
            {"idle_ends_at", time_or_null(session.idle_ends_at)}};
}

template <class Values>
Value json_list(const Values& values) {
    Value list = Value::array();
    for (const auto& value : values) {
        list.push_back(json_value(value));
    }
    return list;
}

} // namespace

std::string json_of(const SetReport& report, Json json) {
    Value problems = Value::array();
    for (const policy::Problem& problem : report.problems) {
        problems.push_back(problem_value(problem));
    }
    return json_text(
        {
            {"file", as_utf8(report.file)},
            {"rule", name_or_null(report.rule)},
            {"rule_removed", report.rule_removed},
            {"dry_run", report.dry_run},
            {"written", report.written},
            {"reload", name_of(report.reload)},
            {"error", report.error.empty() ? Value(nullptr) : Value(report.error)},
            {"problems", std::move(problems)},
            {"changes", json_list(report.changes)},
            {"ending_sooner", json_list(report.ending_sooner)},
            {"lockout", report.lockout},
            {"sessions_known", report.sessions_unknown.empty()},
        },
        json);
}

std::string json_of(const std::vector<std::pair<std::string, SetValue>>& defaults, Json json) {
    Value list = Value::array();
    for (const auto& [name, value] : defaults) {
        Value one{{"name", name}};
        one.update(json_value(value));
        list.push_back(std::move(one));
    }
    return json_text(list, json);
}

std::string json_of(const std::vector<WrittenRule>& rules, Json json) {
    Value list = Value::array();
    for (const WrittenRule& rule : rules) {
        list.push_back({{"name", as_utf8(rule.name)},
                        {"tier", tier_of(rule.tier)},
                        {"file", as_utf8(rule.file)},
                        {"line", rule.line},
                        {"match", json_list(rule.match)},
                        {"settings", json_list(rule.settings)}});
    }
    return json_text(list, json);
}

std::string json_of(const std::vector<WrittenSetting>& settings, Json json) {
    return json_text(json_list(settings), json);
}

} // namespace sesslimit::ctl
