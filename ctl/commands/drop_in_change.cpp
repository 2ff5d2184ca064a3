// SPDX-License-Identifier: MIT
#include "ctl/commands/drop_in_change.hpp"

#include <algorithm>
#include <cerrno>
#include <filesystem>

namespace sesslimit::ctl {
namespace {

using policy::Problem;
using policy::SourceText;

} // namespace

std::unexpected<Stop> stop(std::string what, Exit exit) {
    return std::unexpected(Stop{exit, std::move(what)});
}

std::unexpected<Stop> stop(const Error& error) {
    const bool denied = error.code == EACCES || error.code == EPERM;
    return stop(error.what, denied ? Exit::not_allowed : Exit::failed);
}

policy::ReadTexts DropInChange::other_texts() const {
    policy::ReadTexts read = policy::read_texts(directory_);
    std::erase_if(read.texts, [this](const SourceText& source) { return source.path == file_; });
    return read;
}

Step<policy::Policy> DropInChange::load(policy::ReadTexts others, const std::optional<std::string>& text,
                                        std::vector<Problem>& problems) const {
    if (text) {
        put_text(others.texts, {file_, policy::Tier::host, *text});
    }
    policy::Loaded loaded = policy::load_files(others, tools_.names);
    problems = std::move(loaded.problems);
    if (!loaded.policy) {
        return stop("nothing was changed, because the policy would have errors");
    }
    std::erase_if(problems, [this](const Problem& problem) { return problem.path != file_; });
    return *std::move(loaded.policy);
}

bool confirm(const SetReport& report, Console& console) {
    if (report.lockout.empty()) {
        return true;
    }
    std::string text;
    for (const std::string& sentence : report.lockout) {
        text += "Warning: " + sentence + ".\n";
    }
    if (console.can_ask() && !report.dry_run) {
        return console.ask(text + "Change the policy anyway? [y/N] ");
    }
    if (console.style().json == Json::off) {
        text.pop_back();
        console.complain(text);
    }
    return true;
}

void DropInChange::preview(const std::string& text, SetReport& report, Usec now) const {
    if (!reload_) {
        report.sessions_unknown = "the daemon does not read " + location_text(directory_, 0);
        return;
    }
    const auto before = tools_.remote.list();
    const std::string own = tools_.host.caller().session;
    const auto after = before ? tools_.remote.preview(DropIn::name, text, own)
                              : Answer<PolicyPreview>(std::unexpected(before.error()));
    if (!after) {
        report.sessions_unknown = words_of(after.error());
        return;
    }
    report.ending_sooner = ending_sooner(*before, after->sessions);
    report.lockout = lockout_of(*before, *after, own, now);
}

Step<> DropInChange::install(DropIn& drop_in, const std::string& text, SetReport& report) const {
    const auto sessions = reload_ ? tools_.remote.list() : Answer<std::vector<Session>>();
    if (auto done = drop_in.replace(text); !done) {
        const auto restored = drop_in.restore();
        done.error().what += restored ? "" : "\nThe old file could not be restored: " + restored.error().what;
        return stop(done.error());
    }
    report.written = true;
    Step<> loaded = reload_ ? reload(drop_in, report) : Step<>();
    if (report.reload == SetReport::Reload::done && sessions) {
        report.ending_sooner = ending_sooner(*sessions, tools_.remote.list().value_or(std::vector<Session>()));
        report.sessions_unknown.clear();
    }
    return loaded;
}

Step<> DropInChange::reload(DropIn& drop_in, SetReport& report) const {
    const auto done = tools_.remote.reload();
    if (done) {
        report.reload = SetReport::Reload::done;
        return {};
    }
    const Failure& failure = done.error();
    switch (failure.kind) {
    case Failure::Kind::not_running:
        report.reload = SetReport::Reload::not_running;
        return {};
    case Failure::Kind::policy_rejected:
    case Failure::Kind::not_allowed:
    case Failure::Kind::bus_denied:
        return restore(drop_in, failure, report);
    case Failure::Kind::no_answer:
    case Failure::Kind::unresponsive:
    case Failure::Kind::no_such_session:
    case Failure::Kind::no_such_user:
    case Failure::Kind::other:
        break;
    }
    report.reload = SetReport::Reload::unknown;
    return stop("the file was changed, but it is not known whether the daemon has loaded it: " + words_of(failure),
                exit_of(failure.kind));
}

Step<> DropInChange::restore(DropIn& drop_in, const Failure& failure, SetReport& report) {
    report.reload = SetReport::Reload::rejected;
    if (const auto restored = drop_in.restore(); !restored) {
        return stop(words_of(failure) + "\nThe old file could not be restored: " + restored.error().what);
    }
    report.written = false;
    return stop("the old file was restored, because the daemon did not load the new one: " + words_of(failure),
                exit_of(failure.kind));
}

bool DropInChange::log(const SetReport& report) const {
    if (!reload_) {
        return true;
    }
    const Caller caller = tools_.host.caller();
    const auto entries = journal_entries(report, caller.name, caller.uid);
    return std::ranges::all_of(entries, [this](const JournalFields& entry) { return tools_.host.log(entry); });
}

} // namespace sesslimit::ctl
