// SPDX-License-Identifier: MIT
#include "ctl/output/json.hpp"

#include "common/text.hpp"
#include "ctl/output/json_text.hpp"
#include "ctl/output/json_values.hpp"

namespace sesslimit::ctl {
namespace {

using Value = nlohmann::ordered_json;

Value unless(Usec value, Usec nothing) {
    return value == nothing ? Value(nullptr) : Value(value);
}

Value or_null(const std::string& text) {
    return text.empty() ? Value(nullptr) : Value(text);
}

Value value_of(const Session& session) {
    Value value{
        {"id", session.id},
        {"key", session.key},
        {"user", session.user},
        {"uid", session.uid},
        {"state", session.state},
        {"service", session.service},
        {"terminals", session.terminals},
        {"origin", or_null(session.origin)},
        {"seat", or_null(session.seat)},
        {"scope", or_null(session.scope)},
        {"leader", session.leader},
        {"adopted", session.adopted},
        {"since", unless(session.since, 0)},
        {"idle_since", unless(session.idle_since, 0)},
        {"max_duration", unless(session.max_duration, infinity)},
        {"idle_timeout", unless(session.idle_timeout, infinity)},
        {"activity_sources", session.activity_sources},
        {"last_activity", or_null(session.last_activity)},
        {"duration_ends_at", unless(session.duration_ends_at, infinity)},
        {"idle_ends_at", unless(session.idle_ends_at, infinity)},
        {"mode", session.mode},
        {"reason", or_null(session.reason)},
        {"requested_by_uid", session.requested_by_uid ? Value(*session.requested_by_uid) : Value(nullptr)},
        {"requested_by", or_null(session.requested_by)},
    };
    // If the daemon does not provide a property, the JSON object does not contain it. The value null would mean that
    // the property is empty.
    const std::pair<const char*, const std::optional<std::string>&> told[] = {
        {"credential", session.credential}, {"method", session.method}, {"remote_user", session.remote_user}};
    for (const auto& [name, text] : told) {
        if (text) {
            value[name] = or_null(*text);
        }
    }
    if (session.reach) {
        value["processes"] = session.reach->processes;
        value["commands"] = session.reach->commands;
        value["kept"] = session.reach->kept;
        value["keep"] = session.reach->keep;
        value["other_units"] = session.reach->other_units;
        value["lingers"] = session.reach->lingers;
    }
    return value;
}

Value value_of(const EffectiveSetting& setting) {
    return {
        {"name", setting.name},          {"value", setting.value},        {"tier", or_null(setting.tier)},
        {"rule", or_null(setting.rule)}, {"file", or_null(setting.file)}, {"line", unless(setting.line, 0)},
    };
}

Value value_of(const MatchingRule& rule) {
    return {{"tier", rule.tier}, {"rule", rule.rule}, {"file", rule.file},
            {"line", rule.line}, {"sets", rule.sets}, {"wins", rule.wins}};
}

Value value_of(const policy::Problem& problem) {
    return problem_value(problem);
}

Value value_of(const UncountedLogins& uncounted) {
    if (uncounted.source != UncountedLogins::Source::journal) {
        return nullptr;
    }
    const auto& last = uncounted.last;
    return {
        {"since", uncounted.since},
        {"count", uncounted.count},
        {"complete", uncounted.complete},
        {"last", last ? Value{{"at", last->at}, {"user", last->user}, {"reason", last->reason}} : Value(nullptr)},
    };
}

template <class Values>
Value list_of(const Values& values) {
    Value list = Value::array();
    for (const auto& value : values) {
        list.push_back(value_of(value));
    }
    return list;
}

Value asked(const std::optional<std::string>& fact) {
    return fact ? Value(as_utf8(*fact)) : Value(nullptr);
}

} // namespace

Value problem_value(const policy::Problem& problem) {
    return {
        {"severity", is_error(problem) ? "error" : "warning"},
        {"file", as_utf8(problem.path, 4096)},
        {"line", unless(problem.line, 0)},
        {"column", unless(problem.column, 0)},
        {"what", problem.what},
        {"excerpt", or_null(as_utf8(problem.excerpt, 1024))},
    };
}

std::string json_of(const std::vector<Session>& sessions, Json json) {
    return json_text(list_of(sessions), json);
}

std::string json_of(const ExplainQuery& question, const Explanation& explanation, Json json) {
    Value groups = Value::array();
    for (const std::string& group : question.groups) {
        groups.push_back(as_utf8(group));
    }
    const Value login{
        {"user", as_utf8(question.user)},     {"groups", std::move(groups)},
        {"service", asked(question.service)}, {"origin", asked(question.origin)},
        {"method", asked(question.method)},   {"credential", asked(question.credential)},
        {"seat", asked(question.seat)},
    };
    return json_text(
        {
            {"login", login},
            {"counts", explanation.counts},
            {"why", explanation.why},
            {"settings", list_of(explanation.settings)},
            {"rules", list_of(explanation.rules)},
            {"outcome", explanation.outcome},
        },
        json);
}

std::string json_of(const Status& status, PolicyFiles files, const Enforcement& enforcement, Usec now, Json json) {
    const bool compared = files != PolicyFiles::unknown;
    return json_text(
        {
            {"version", status.version},
            {"policy_state", status.policy_state},
            {"policy_since", unless(status.policy_since, 0)},
            {"policy_problems", status.policy_problems},
            {"policy_files_changed", compared ? Value(files == PolicyFiles::changed) : Value(nullptr)},
            {"sessions", status.sessions},
            {"recording", status.recording},
            {"selinux", name_of(enforcement.selinux)},
            {"domain", or_null(enforcement.domain)},
            {"uncounted", value_of(enforcement.uncounted)},
            {"warnings", warnings_of(enforcement, now)},
        },
        json);
}

std::string json_of(const std::vector<policy::Problem>& problems, Json json) {
    return json_text(list_of(problems), json);
}

std::string json_of(const Event& event, Json json) {
    const bool of_policy = event.name == "policy-changed";
    return json_text(
        {
            {"event", event.name},
            {"at", event.at},
            {"session", of_policy ? Value(nullptr) : value_of(event.session)},
            {"left", event.left ? unless(*event.left, infinity) : Value(nullptr)},
            {"policy_state", of_policy ? Value(event.policy_state) : Value(nullptr)},
        },
        json);
}

} // namespace sesslimit::ctl
