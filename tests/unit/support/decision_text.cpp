// SPDX-License-Identifier: MIT
// Decisions of the core as text, for comparisons in tests.
#include "tests/unit/support/core_world.hpp"

#include <csignal>
#include <utility>

namespace sesslimit::test {
namespace {

using namespace core;

std::string described(const Record& record) {
    if (const auto* drop = std::get_if<Drop>(&record)) {
        return "drop " + number(drop->session);
    }
    if (const auto* displacements = std::get_if<PutDisplacements>(&record)) {
        return "put displacements of " + std::to_string(displacements->uid);
    }
    if (const auto* fleet = std::get_if<PutFleetState>(&record)) {
        constexpr std::string_view names[] = {"down", "connecting", "up"};
        return "put fleet " + std::string(names[std::to_underlying(fleet->state)]);
    }
    const Session& session = std::get<Put>(record).session;
    std::string text = "put " + number(session.key) + " ";
    text += name_of(session.phase);
    if (session.stage != TerminationStage::pending) {
        (text += "/") += name_of(session.stage);
    }
    return text;
}

std::string described(const Answer& answer) {
    return std::string(name_of(answer.kind)) + " " + std::to_string(std::to_underlying(answer.request));
}

std::string described(const Effect& effect) {
    if (const auto* notice = std::get_if<Notice>(&effect)) {
        std::string text = "tell ";
        (text += name_of(notice->kind)) += " " + number(notice->session.key);
        if (notice->reason.cause != Cause::none) {
            (text += " ") += name_of(notice->reason.cause);
        }
        return notice->kind == Notice::Kind::warned ? text + " left " + in_seconds(notice->left) : text;
    }
    if (const auto* look = std::get_if<ProbeActivity>(&effect)) {
        return "look " + number(look->session);
    }
    if (const auto* sampled = std::get_if<SampleTraffic>(&effect)) {
        return "sample " + number(sampled->session);
    }
    if (const auto* check = std::get_if<CheckLogout>(&effect)) {
        return "check logout " + check->logind_id;
    }
    if (const auto* stop = std::get_if<Terminate>(&effect)) {
        std::string text =
            (stop->is_closing ? "stop " : "terminate ") + stop->logind_id + (stop->keep.empty() ? "" : " keeping");
        for (const std::string& program : stop->keep) {
            text += " " + program;
        }
        return text;
    }
    if (const auto* offer = std::get_if<OfferMissedReason>(&effect)) {
        return "offer " + number(offer->session);
    }
    if (const auto* lock = std::get_if<Lock>(&effect)) {
        return "lock " + lock->logind_id;
    }
    if (const auto* check = std::get_if<CheckConnections>(&effect)) {
        return "check connections for " + number(check->waiting);
    }
    if (const auto* report = std::get_if<ReportDenial>(&effect)) {
        return "report denial to " + number(report->session.key);
    }
    if (const auto* report = std::get_if<ReportMissingLogind>(&effect)) {
        return "report missing logind " + number(report->session.key);
    }
    if (const auto* stop = std::get_if<KillAll>(&effect)) {
        return "kill " + stop->logind_id;
    }
    if (const auto* stop = std::get_if<KillScope>(&effect)) {
        return (stop->signal == SIGKILL ? "kill " : "stop ") + stop->scope;
    }
    if (const auto* claim = std::get_if<ClaimFleetSlot>(&effect)) {
        return (claim->enforced ? "claim " : "record in fleet ") + number(claim->session);
    }
    if (const auto* listed = std::get_if<ListInFleet>(&effect)) {
        return "list in fleet " + number(listed->session);
    }
    if (const auto* release = std::get_if<ReleaseFleetSlot>(&effect)) {
        return "release claim of " + number(release->session);
    }
    if (const auto* report = std::get_if<ReportFleetTermination>(&effect)) {
        return "end " + std::to_string(report->count) + " for order " + std::to_string(report->order);
    }
    const auto& signal = std::get<SignalLeader>(effect);
    return "signal " + number(signal.session) +
           (signal.signal == SIGTERM   ? " TERM"
            : signal.signal == SIGKILL ? " KILL"
                                       : " ?") +
           (signal.parent.pid == 0 ? "" : " with children");
}

template <class Part>
void append(std::string& text, const std::vector<Part>& parts) {
    for (const Part& part : parts) {
        text += (text.empty() ? "" : ", ") + described(part);
    }
}

} // namespace

std::string in_seconds(Duration span) {
    const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(span).count();
    std::string text = std::to_string(ms / 1000);
    if (ms % 1000 != 0) {
        text += "." + std::to_string(1000 + ms % 1000).substr(1);
        text.erase(text.find_last_not_of('0') + 1);
    }
    return text;
}

std::string number(SessionKey key) {
    return std::to_string(std::to_underlying(key));
}

std::string_view name_of(Phase phase) {
    constexpr std::string_view names[] = {"?",      "waiting", "admitted",    "active", "ending",
                                          "denied", "closed",  "left behind", "asking"};
    return names[std::to_underlying(phase)];
}

std::string_view name_of(TerminationStage stage) {
    constexpr std::string_view names[] = {"none", "told", "terminated", "forced"};
    return names[std::to_underlying(stage)];
}

std::string_view name_of(Cause cause) {
    constexpr std::string_view names[] = {"none",      "limit", "duration", "idle",        "leader",
                                          "displaced", "asked", "logind",   "fleet limit", "fleet silent"};
    return names[std::to_underlying(cause)];
}

std::string_view name_of(Notice::Kind kind) {
    constexpr std::string_view names[] = {
        "admitted",     "adopted",         "denied", "would-deny", "warned",   "kept",       "locked",
        "ending",       "would-end",       "forced", "ended",      "released", "over-limit", "displacement-limited",
        "fleet-unsure", "fleet-over-limit"};
    return names[std::to_underlying(kind)];
}

std::string_view name_of(Answer::Kind kind) {
    constexpr std::string_view names[] = {"admitted", "uncounted", "denied", "noted", "wait"};
    return names[std::to_underlying(kind)];
}

std::string carried_out(const Decision& decision) {
    std::string text;
    append(text, decision.answers);
    append(text, decision.effects);
    return text;
}

std::string told(const Decision& decision) {
    std::string text;
    append(text, decision.records);
    append(text, decision.answers);
    append(text, decision.effects);
    return text;
}

} // namespace sesslimit::test
