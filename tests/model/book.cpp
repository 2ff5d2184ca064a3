// SPDX-License-Identifier: MIT
// The book, and all that the core says held against it.
#include "tests/model/host.hpp"

#include <algorithm>

namespace sesslimit::model {
namespace {

using namespace std::chrono_literals;
using core::Cause;
using Kind = Notice::Kind;

/// How far a terminal's clock may be behind its input.
constexpr Duration stamp_step = 8s;

std::uint32_t number(std::size_t count) {
    return static_cast<std::uint32_t>(count);
}

} // namespace

void Host::wrong(const std::string& what) {
    if (wrong_.empty()) {
        const std::string& log = world_.log;
        wrong_ = what + "; log: ..." + log.substr(log.size() - std::min<std::size_t>(log.size(), 500));
    }
}

Process* Host::of(SessionKey key) {
    const auto at = std::ranges::find(processes_, key, &Process::key);
    return key == SessionKey::none || at == processes_.end() ? nullptr : &*at;
}

Phase Host::phase_of(const Process& process) const {
    const Session* session = world_.find(process.key);
    return session == nullptr ? Phase::closed : session->phase;
}

std::uint32_t Host::inside(uid_t uid) const {
    return number(static_cast<std::size_t>(std::ranges::count_if(
        processes_, [uid](const Process& process) { return process.in && process.login.uid == uid; })));
}

std::uint32_t Host::inside(SharedLimit total) const {
    return number(static_cast<std::size_t>(std::ranges::count_if(processes_, [&](const Process& process) {
        const std::vector<SharedLimit> of = bounds_of(plan_, process.login).shared_limits;
        return process.in && std::ranges::find(of, total) != of.end();
    })));
}

/// Returns how many sessions of its user are inside beside it. An adopted one that came after an adopted one is left
/// out: PAM may be about to ask about that one as well.
std::uint32_t Host::others(const Process& process) const {
    return number(static_cast<std::size_t>(std::ranges::count_if(processes_, [&](const Process& other) {
        const bool later = process.shown && !process.logind_id.empty() && other.adopted && other.key > process.key;
        return other.in && other.login.uid == process.login.uid && &other != &process && !later;
    })));
}

bool Host::is_full(const Process& process) const {
    const Bounds bounds = bounds_of(plan_, process.login);
    const std::uint32_t own = process.in ? 1 : 0;
    return others(process) >= bounds.own || std::ranges::any_of(bounds.shared_limits, [&](SharedLimit total) {
               return inside(total) - own >= most_of(plan_, total);
           });
}

/// What is left of a session without a leader is not terminated if no limit applies, nor when one applies later.
void Host::spare_unlimited() {
    for (Process& process : processes_) {
        process.spared = process.spared || (!process.alive && bounds_of(plan_, process.login).is_unlimited());
    }
}

/// Limits may be other ones now than its user knew of.
void Host::surprise() {
    for (Process& process : processes_) {
        surprise(process, world_.now);
    }
}

/// At `when`, its limits may have run out without a warning.
void Host::surprise(Process& process, BootTime when) const {
    const Duration grace = plan_.defaults.warn ? plan_.defaults.warn->front() : Timeouts::grace_period;
    const bool exempt = bounds_of(plan_, process.login).duration == unlimited_duration;
    process.fair = std::max(process.fair, after(when, exempt ? Timeouts::grace_period : grace));
}

/// Takes what the core has said since the last time into the book.
void Host::check() {
    if (down_) {
        return;
    }
    for (Process& process : processes_) {
        process.in = process.in && !process.has_left(); // its place is free before anybody is given it
        if (process.adopted && phase_of(process) == Phase::waiting) {
            process.in = process.adopted = false; // PAM asked about it late, and it waits for a place
        }
    }
    // The order in which the two are carried out.
    for (; answered_ < world_.answers.size(); ++answered_) {
        hear(Answer(world_.answers[answered_]));
    }
    for (; noticed_ < world_.notices.size(); ++noticed_) {
        hear(Notice(world_.notices[noticed_]));
    }
    if (!would_deny_.empty()) {
        wrong("let in beyond a limit that is observed, without a word; or told so for nothing");
    }
    check_counts();
    if (!world_.fault.empty()) {
        wrong(world_.fault);
    }
}

void Host::check_counts() {
    std::size_t all = 0;
    for (const uid_t uid : {test::alice, test::bob, carol}) {
        all += inside(uid);
        if (world_.state.counted(uid) != inside(uid)) {
            wrong("of uid " + std::to_string(uid) + " the core counts " + std::to_string(world_.state.counted(uid)) +
                  ", there are " + std::to_string(inside(uid)));
        }
    }
    if (world_.state.counted() != all) {
        wrong("the core counts other than all together");
    }
    for (const SharedLimit total : shared_limits) {
        if (world_.state.counted(source_of(total)) != inside(total)) {
            wrong("in a total the core counts " + std::to_string(world_.state.counted(source_of(total))) +
                  ", there are " + std::to_string(inside(total)));
        }
    }
}

/// What should have happened by now.
void Host::check_time() {
    for (const Process& process : processes_) {
        const Bounds bounds = bounds_of(plan_, process.login);
        const Phase phase = phase_of(process);
        if (!process.in || process.told || !bounds.enforced || phase == Phase::ending) {
            continue;
        }
        if (world_.now > std::max(after(process.opened, bounds.duration), process.fair)) {
            wrong("session " + std::to_string(std::to_underlying(process.key)) + " outlasts its duration");
        }
        if (process.typed && phase == Phase::active &&
            world_.now > std::max(after(after(process.used, bounds.idle), stamp_step), process.fair)) {
            wrong("session " + std::to_string(std::to_underlying(process.key)) + " stays idle");
        }
        const Session* session = world_.find(process.key);
        const bool is_asked = session != nullptr && session->logout_check != LogoutCheck::none;
        if (!process.alive && !process.spared && !is_asked) {
            wrong("session " + std::to_string(std::to_underlying(process.key)) + " goes on without its leader");
        }
    }
    for (const auto& [id, request] : requests_) {
        if (request.answers != 0 || request.gone) {
            continue;
        }
        if (world_.now > request.since + Timeouts::slot_wait) {
            wrong("request " + std::to_string(id) + " waits for too long");
        }
        const Login& login = processes_[request.process].login;
        const Bounds bounds = bounds_of(plan_, login);
        if (bounds.shared_limits.empty() && inside(login.uid) < bounds.own) {
            wrong("request " + std::to_string(id) + " waits beside a free place");
        }
    }
}

void Host::hear(const Notice& notice) {
    Process* process = of(notice.session.key);
    switch (notice.kind) {
    case Kind::would_deny:
        return would_deny_.erase(notice.session.key) != 1 ? wrong("it was no limit that lets it in") : void();
    case Kind::ending:
        return process == nullptr ? wrong("nobody is told to end") : hear_ending(*process, notice);
    case Kind::ended:
    case Kind::released:
        return process == nullptr ? wrong("nobody is said farewell to") : hear_farewell(*process, notice);
    case Kind::forced:
        return process == nullptr || !process->told ? wrong("forced without a word") : void();
    case Kind::would_end:
        return process == nullptr || bounds_of(plan_, process->login).enforced ? wrong("only observed") : void();
    case Kind::warned:
        return process == nullptr || !bounds_of(plan_, process->login).enforced || notice.left <= Duration{}
                   ? wrong("warned of nothing")
                   : void();
    case Kind::over_limit:
        return inside(notice.session.login.uid) <= bounds_of(plan_, notice.session.login).own ? wrong("not over")
                                                                                              : void();
    default:
        return;
    }
}

void Host::hear_ending(Process& process, const Notice& notice) {
    if (std::exchange(process.told, true)) {
        wrong("told to end twice");
    }
    process.reason = notice.reason;
    const Bounds bounds = bounds_of(plan_, process.login);
    switch (notice.reason.cause) {
    case Cause::duration:
        if (!bounds.enforced || world_.now < after(process.opened, bounds.duration)) {
            wrong("it may last longer");
        }
        return;
    case Cause::idle:
        if (!bounds.enforced || world_.now + stamp_step < after(std::max(process.opened, process.used), bounds.idle)) {
            wrong("it is not idle for so long");
        }
        return;
    case Cause::leader_gone:
        return process.alive ? wrong("its leader is there") : void();
    case Cause::requested:
        return process.asked ? void() : wrong("nobody asked for its end");
    case Cause::displaced:
        return; // by a login that may have left, under a policy that may have changed, before it could be told
    case Cause::none:
    case Cause::limit_reached:
        return wrong("it ends for no reason");
    }
}

void Host::hear_farewell(Process& process, const Notice& notice) {
    if (std::exchange(process.left, true)) {
        wrong("two farewells");
    }
    if (!process.has_left()) {
        wrong("a farewell to somebody who is there");
    }
    const bool ended = notice.kind == Kind::ended;
    if (ended != process.told || notice.reason != (ended ? process.reason : Reason{})) {
        wrong("it is gone for another reason than it was told");
    }
}

void Host::hear(const Answer& answer) {
    Request& request = requests_[std::to_underlying(answer.request)];
    if (answer.kind == Answer::Kind::wait) {
        return ++request.waits != 1 || request.answers != 0 || request.gone ? wrong("told to wait out of turn")
                                                                            : void();
    }
    if (++request.answers != 1) {
        wrong("two answers");
    }
    if (request.gone) {
        wrong("an answer to nobody");
    }
    Process& process = processes_[request.process];
    if (answer.kind == Answer::Kind::admitted) {
        let_in(process, answer);
    } else if (answer.kind == Answer::Kind::denied) {
        turned_away(process, answer);
    }
}

void Host::let_in(Process& process, const Answer& answer) {
    const bool late = std::exchange(process.adopted, false) && process.in; // PAM asks about it for the first time
    if (process.in && !late) {
        return answer.session.key != process.key || process.told ? wrong("let in twice") : void();
    }
    const bool again = answer.session.key == process.key; // PAM asked late, and it had to wait
    if (answer.session.key <= last_key_ && !again && of(answer.session.key) != nullptr) {
        wrong("a key is given twice");
    }
    last_key_ = std::max(last_key_, answer.session.key);
    if (is_full(process)) {
        would_deny_.insert(answer.session.key);
        if (bounds_of(plan_, process.login).enforced) {
            wrong("let in beyond a limit");
        }
    }
    const BootTime since = requests_[std::to_underlying(answer.request)].since;
    process.key = answer.session.key;
    process.in = true;
    if (again) {
        process.shown = !process.logind_id.empty();
        process.used = late ? process.used : since;
        return;
    }
    process.shown = process.dismissed = process.told = process.left = process.asked = process.typed = false;
    process.reason = {};
    process.opened = since;
    process.used = since;
    process.fair = {};
}

void Host::turned_away(Process& process, const Answer& answer) {
    if (process.in && phase_of(process) == Phase::ending) {
        return;
    }
    if (process.in && !process.adopted) {
        return wrong("denied, and in");
    }
    if (answer.session.reason.cause == Cause::displaced) {
        return;
    }
    if (!is_full(process)) {
        wrong("denied with places left");
    }
    if (!bounds_of(plan_, process.login).enforced) {
        wrong("denied where it is only observed");
    }
    process.in = process.adopted = false;
}

} // namespace sesslimit::model
