// SPDX-License-Identifier: MIT
#include "common/text.hpp"
#include "ctl/output/fleet.hpp"
#include "ctl/output/fleet_values.hpp"
#include "ctl/output/json_text.hpp"

#include <algorithm>

namespace sesslimit::ctl {
namespace {

using Value = nlohmann::ordered_json;

Value text_or_null(const std::string& text) {
    return text.empty() ? Value(nullptr) : Value(as_utf8(text));
}

template <class Number>
Value or_null(const std::optional<Number>& number) {
    return number ? Value(*number) : Value(nullptr);
}

Value value_of(const FleetSession& session, const NameOf& name_of) {
    const auto name = session.uid ? name_of(*session.uid) : std::optional(session.user);
    return {{"host", as_utf8(session.host)},
            {"session", session.session},
            {"user", text_or_null(name.value_or(std::string()))},
            {"uid", or_null(session.uid)},
            {"slot", session.slot},
            {"since", usec_of(session.since)},
            {"service", text_or_null(session.service)},
            {"terminal", text_or_null(session.tty)},
            {"origin", text_or_null(session.origin)},
            {"rule", text_or_null(session.rule)}};
}

Value value_of(const FleetReply& reply, const FleetNode& node) {
    return {{"endpoint", as_utf8(node.endpoint)},
            {"reachable", node.reachable},
            {"problem", text_or_null(node.problem)},
            {"version", text_or_null(node.version)},
            {"leader", node.leader},
            {"size", or_null(node.size)},
            {"size_in_use", or_null(node.in_use)},
            {"quota", or_null(node.quota)},
            {"revision", or_null(node.revision)},
            {"lag", or_null(lag_of(reply, node))},
            {"raft_index", or_null(node.raft_index)},
            {"raft_applied_index", or_null(node.raft_applied)},
            {"latency", or_null(node.latency_us)}};
}

Value value_of(const FleetReply& reply, const FleetAlarm& alarm) {
    const char* type = alarm.type == FleetAlarm::Type::no_space  ? "NOSPACE"
                       : alarm.type == FleetAlarm::Type::corrupt ? "CORRUPT"
                                                                 : "other";
    const auto node = std::ranges::find(reply.nodes, std::optional(alarm.member), &FleetNode::member);
    return {{"type", type}, {"endpoint", node == reply.nodes.end() ? Value(nullptr) : Value(as_utf8(node->endpoint))}};
}

} // namespace

std::string fleet_list_json(const FleetReply& reply, const NameOf& name_of, Json json) {
    Value list = Value::array();
    for (const FleetSession& session : reply.sessions) {
        list.push_back(value_of(session, name_of));
    }
    return json_text(list, json);
}

std::string fleet_hosts_json(const FleetReply& reply, Json json) {
    const HostComparison compared(reply.hosts);
    Value list = Value::array();
    for (const FleetHost& host : reply.hosts) {
        list.push_back(Value{{"host", as_utf8(host.name)},
                             {"this", host.is_this},
                             {"version", text_or_null(host.version)},
                             {"policy", text_or_null(host.policy)},
                             {"sessions", or_null(host.sessions)},
                             {"other_version", compared.has_other_version(host)},
                             {"other_policy", compared.has_other_policy(host)}});
    }
    return json_text(list, json);
}

std::string fleet_status_json(const FleetReply& reply, Json json) {
    const FleetState state = reply.state.value_or(FleetState());
    Value nodes = Value::array();
    for (const FleetNode& node : reply.nodes) {
        nodes.push_back(value_of(reply, node));
    }
    Value alarms = Value::array();
    for (const FleetAlarm& alarm : reply.alarms) {
        alarms.push_back(value_of(reply, alarm));
    }
    return json_text({{"fleet", as_utf8(state.fleet)},
                      {"host", as_utf8(state.host)},
                      {"version", text_or_null(state.version)},
                      {"up", state.up},
                      {"reason", text_or_null(state.reason)},
                      {"lease", state.lease == 0 ? Value(nullptr) : Value(id_text(state.lease))},
                      {"host_ttl", usec_of(state.ttl)},
                      {"sessions", state.sessions},
                      {"identity", state.by_uid ? "uid" : "name"},
                      {"nodes", std::move(nodes)},
                      {"alarms", reply.note.empty() ? std::move(alarms) : Value(nullptr)}},
                     json);
}

std::string fleet_ended_json(const FleetReply& reply, Json json) {
    Value list = Value::array();
    for (const FleetEnded& host : reply.ended) {
        list.push_back(Value{{"host", as_utf8(host.host)},
                             {"answered", host.answered},
                             {"sessions", host.answered ? Value(host.count) : Value(nullptr)}});
    }
    return json_text(list, json);
}

} // namespace sesslimit::ctl
