// SPDX-License-Identifier: MIT
#include "common/text.hpp"
#include "common/user_ref.hpp"
#include "ctl/output/fleet.hpp"
#include "ctl/output/fleet_values.hpp"
#include "ctl/output/format.hpp"
#include "ctl/output/table.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <set>

namespace sesslimit::ctl {
namespace {

constexpr std::size_t shown_digest = 12; ///< Characters of the digest of a policy in a table.
constexpr std::size_t max_names = 20;    ///< Number of hosts that a sentence lists.

std::string shown(const std::string& text) {
    return text.empty() ? "-" : escape_for_display(text);
}

/// Formats a size in bytes such as "20.5 MiB".
std::string size_words(const std::optional<std::uint64_t>& bytes) {
    if (!bytes) {
        return "-";
    }
    constexpr std::array units{"B", "KiB", "MiB", "GiB", "TiB"};
    double value = static_cast<double>(*bytes);
    std::size_t unit = 0;
    for (; value >= 1024 && unit + 1 < units.size(); ++unit) {
        value /= 1024;
    }
    std::array<char, 32> text{};
    (void)std::snprintf(text.data(), text.size(), unit == 0 ? "%.0f %s" : "%.1f %s", value, units[unit]);
    return text.data();
}

std::string latency_words(const std::optional<std::uint32_t>& usec) {
    if (!usec) {
        return "-";
    }
    std::array<char, 32> text{};
    (void)std::snprintf(text.data(), text.size(), "%.1f ms", static_cast<double>(*usec) / 1000);
    return text.data();
}

std::string hosts_words(std::size_t count) {
    return counted(count, "host");
}

std::string alarm_words(const FleetAlarm& alarm, const std::string& node) {
    switch (alarm.type) {
    case FleetAlarm::Type::no_space:
        return "NOSPACE on " + node +
               ": the quota of etcd is reached. Compact and defragment the database, then run 'etcdctl alarm disarm'.";
    case FleetAlarm::Type::corrupt:
        return "CORRUPT on " + node + ": the database of a node is damaged. Replace the node.";
    case FleetAlarm::Type::other:
        break;
    }
    return "unknown alarm on " + node + "; see 'etcdctl alarm list'.";
}

/// Returns the endpoint of the node with an ID, or the ID in hexadecimal digits.
std::string node_name(const FleetReply& reply, std::uint64_t member) {
    const auto found = std::ranges::find(reply.nodes, std::optional(member), &FleetNode::member);
    return found != reply.nodes.end() ? escape_for_display(found->endpoint) : id_text(member);
}

std::string lag_words(const FleetReply& reply, const FleetNode& node) {
    const auto lag = lag_of(reply, node);
    return lag ? counted(static_cast<std::size_t>(*lag), "revision") : "-";
}

std::string node_table(const FleetReply& reply, const Style& style) {
    Table table{.columns = {{"NODE", 12, 0},
                            {"VERSION", 0, 3},
                            {"ROLE", 0, 2},
                            {"SIZE", 0, 4},
                            {"QUOTA", 0, 5},
                            {"LAG", 0, 6},
                            {"LATENCY", 0, 1},
                            {"STATE", 10, 0}},
                .rows = {},
                .paint = {}};
    for (const FleetNode& node : reply.nodes) {
        const bool ok = node.reachable && node.problem.empty();
        table.rows.push_back({escape_for_display(node.endpoint), shown(node.version),
                              !node.reachable ? "-"
                              : node.leader   ? "leader"
                                              : "follower",
                              size_words(node.size), size_words(node.quota), lag_words(reply, node),
                              latency_words(node.latency_us),
                              ok ? "ok" : (node.reachable ? "" : "not reachable: ") + shown(node.problem)});
        table.paint.emplace_back(ok ? "" : "\033[31m");
    }
    return drawn(table, style);
}

} // namespace

std::string user_words(const FleetSession& session, const NameOf& name_of) {
    if (!session.uid) {
        return escape_for_display(session.user);
    }
    const auto name = name_of(*session.uid);
    return name ? escape_for_display(*name) : user_ref_of(*session.uid);
}

std::string fleet_list_text(const FleetReply& reply, const Style& style, const NameOf& name_of, Usec now) {
    Table table{.columns = {{"HOST", 8, 0},
                            {"SESSION", 0, 6},
                            {"USER", 8, 0},
                            {"SERVICE", 8, 5},
                            {"TERMINAL", 8, 3},
                            {"FROM", 10, 2},
                            {"SINCE", 0, 1},
                            {"SLOT", 0, 4},
                            {"RULE", 0, 0, true}},
                .rows = {},
                .paint = {}};
    std::set<std::string_view> hosts;
    for (const FleetSession& session : reply.sessions) {
        hosts.insert(session.host);
        table.rows.push_back({escape_for_display(session.host), std::to_string(session.session),
                              user_words(session, name_of), shown(session.service), shown(session.tty),
                              shown(session.origin), short_time(usec_of(session.since), now),
                              std::to_string(session.slot), shown(session.rule)});
    }
    std::string text = reply.sessions.empty() ? "" : drawn(table, style);
    if (style.legend) {
        text += reply.sessions.empty() ? "No session listed.\n"
                                       : "\n" + counted(reply.sessions.size(), "session") + " on " +
                                             hosts_words(hosts.size()) + " listed.\n";
    }
    return text;
}

std::string fleet_hosts_text(const FleetReply& reply, const Style& style) {
    Table table{.columns = {{"HOST", 8, 0}, {"VERSION", 0, 2}, {"POLICY", 0, 3}, {"SESSIONS", 0, 1}, {"NOTE", 0, 0}},
                .rows = {},
                .paint = {}};
    const HostComparison compared(reply.hosts);
    for (const FleetHost& host : reply.hosts) {
        std::string note = host.is_this ? "this host" : "";
        for (const auto& [differs, words] : {std::pair(compared.has_other_policy(host), "other policy"),
                                             std::pair(compared.has_other_version(host), "other version")}) {
            note += differs ? (note.empty() ? "" : ", ") + std::string(words) : "";
        }
        table.rows.push_back({escape_for_display(host.name), shown(host.version),
                              shown(host.policy.substr(0, shown_digest)),
                              host.sessions ? std::to_string(*host.sessions) : "-", note.empty() ? "-" : note});
        table.paint.emplace_back(compared.has_other_policy(host) || compared.has_other_version(host) ? "\033[33m" : "");
    }
    std::string text = reply.hosts.empty() ? "" : drawn(table, style);
    if (!style.legend) {
        return text;
    }
    text += reply.hosts.empty() ? "No host listed.\n" : "\n" + hosts_words(reply.hosts.size()) + " listed.\n";
    const auto other =
        std::ranges::count_if(reply.hosts, [&](const FleetHost& host) { return compared.has_other_policy(host); });
    if (other > 0) {
        text +=
            "The policies differ, so that the limits of the hosts can differ. Install the same policy on all hosts.\n";
    }
    return text;
}

std::string fleet_status_text(const FleetReply& reply, const Style& style) {
    std::string text;
    if (reply.state) {
        const FleetState& state = *reply.state;
        text += aligned({{"Fleet", shown(state.fleet)},
                         {"Host", shown(state.host)},
                         {"Version", shown(state.version)},
                         {"State", state.up ? "in the fleet" : "not in the fleet: " + shown(state.reason)},
                         {"Lease", state.lease == 0 ? "none"
                                                    : id_text(state.lease) + ", expires " + exact(usec_of(state.ttl)) +
                                                          " after the last sign of life"},
                         {"Sessions", std::to_string(state.sessions)},
                         {"Identity", state.by_uid ? "uid" : "name"}});
    }
    text += reply.nodes.empty() ? "" : "\n" + node_table(reply, style);
    const bool lacks_quota =
        std::ranges::any_of(reply.nodes, [](const FleetNode& node) { return node.reachable && !node.quota; });
    if (style.legend && lacks_quota) {
        text += "\nThe quota is not known, because only etcd 3.6 and later report it.\n";
    }
    text += reply.alarms.empty() ? "" : "\nAlarms:\n";
    for (const FleetAlarm& alarm : reply.alarms) {
        text += "  " + alarm_words(alarm, node_name(reply, alarm.member)) + '\n';
    }
    return text;
}

std::string fleet_ended_text(const FleetReply& reply, const std::string& of) {
    std::size_t sessions = 0;
    std::size_t answered = 0;
    std::vector<const FleetEnded*> with_sessions;
    for (const FleetEnded& host : reply.ended) {
        answered += host.answered ? 1 : 0;
        sessions += host.count;
        if (host.count > 0) {
            with_sessions.push_back(&host);
        }
    }
    const std::string heard = hosts_words(answered) + " answered";
    if (sessions == 0) {
        return "No session " + of + " to end; " + heard + ".\n";
    }
    std::ranges::sort(with_sessions, {}, &FleetEnded::host);
    std::string text = "Terminating " + counted(sessions, "session") + " " + of + "; " + heard + ":\n";
    for (const FleetEnded* host : with_sessions) {
        text += "  " + escape_for_display(host->host) + ": " + counted(host->count, "session") + '\n';
    }
    return text;
}

std::string fleet_missing_text(const FleetReply& reply) {
    std::set<std::string> missing;
    for (const FleetEnded& host : reply.ended) {
        if (!host.answered) {
            missing.insert(escape_for_display(host.host));
        }
    }
    if (missing.empty()) {
        return {};
    }
    std::string text = hosts_words(missing.size()) + (missing.size() == 1 ? " has" : " have") + " not answered: ";
    std::size_t listed = 0;
    for (const std::string& host : missing) {
        if (listed == max_names) {
            text += " and " + std::to_string(missing.size() - max_names) + " others";
            break;
        }
        text += (listed++ == 0 ? "" : ", ") + host;
    }
    return text + "; if they return within 1 h, they terminate the sessions then";
}

std::string fleet_freed_text(const FleetReply& reply, const std::string& host, const NameOf& name_of) {
    if (reply.sessions.empty()) {
        return "No slot is occupied by " + host + ".\n";
    }
    std::string text = "Freed " + counted(reply.sessions.size(), "slot") + " of " + host + ":\n";
    for (const FleetSession& session : reply.sessions) {
        text += "  slot " + std::to_string(session.slot) + " of " + user_words(session, name_of) + ", session " +
                std::to_string(session.session) + '\n';
    }
    return text + "If the host is alive, it records its sessions again within a minute.\n";
}

} // namespace sesslimit::ctl
