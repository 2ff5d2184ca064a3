// SPDX-License-Identifier: MIT
#include "daemon/systemd/program_preserver.hpp"

#include "common/text.hpp"

#include <cerrno>
#include <utility>

namespace sesslimit {
namespace {

void add_pids(std::vector<pid_t>& pids, const std::vector<inspect::Process>& processes) {
    for (const inspect::Process& process : processes) {
        pids.push_back(process.pid);
    }
}

} // namespace

void ProgramPreserver::begin(const core::Session& session, const std::vector<std::string>& keep) {
    if (jobs_.contains(session.key)) {
        return;
    }
    const std::string scope = inspect::kept_scope_name(session);
    const auto programs = dependencies_.look(session, scope, keep);
    if (programs && programs->is_empty() && programs->moved == 0) {
        return dependencies_.terminate(session);
    }
    Job& job = jobs_[session.key];
    job.session = session;
    job.scope = scope;
    job.keep = keep;
    if (programs && programs->is_empty()) { // an earlier daemon process has moved them
        job.moved = programs->moved;
        return finish(session.key);
    }
    if (!programs) {
        return finish(session.key, programs.error(), true);
    }
    job.deadline.emplace(dependencies_.loop, CLOCK_MONOTONIC, [this, key = session.key] {
        // The scope may exist nevertheless.
        Job& late = jobs_.at(key);
        const auto seen = dependencies_.look(late.session, late.scope, late.keep);
        late.moved = seen ? seen->moved : late.moved;
        finish(key, Error{"systemd did not answer in time", ETIMEDOUT});
    });
    if (const auto armed = job.deadline->arm_in(dependencies_.within); !armed) {
        return finish(session.key, armed.error());
    }
    start(job, *programs);
}

void ProgramPreserver::start(Job& job, const inspect::KeptPrograms& programs) {
    // The scope is started with the servers only, because servers continue to run. Other processes may exit
    // at any time, and the start of the scope fails if a single process has exited.
    std::vector<pid_t> pids;
    add_pids(pids, programs.servers.empty() ? programs.others : programs.servers);
    ++job.rounds;
    const core::Session& session = job.session;
    dependencies_.scopes.start({.name = job.scope,
                                .slice = inspect::slice_name(session.login.uid),
                                .description = "Programs of " + escape_for_display(session.login.user, 64) +
                                               ", preserved by sesslimit from session " +
                                               escape_for_display(session.logind_id, 64)},
                               pids, [this, key = session.key](const Result<>& result) { started(key, result); });
}

void ProgramPreserver::started(SessionKey key, const Result<>& result) {
    if (result || result.error().code == EEXIST) { // EEXIST: an earlier daemon process has created the scope
        return go_on(key);
    }
    const auto at = jobs_.find(key);
    if (at == jobs_.end()) {
        return;
    }
    Job& job = at->second;
    const auto programs = dependencies_.look(job.session, job.scope, job.keep);
    if (!programs) {
        return finish(key, programs.error(), true);
    }
    if (programs->is_empty() || result.error().code != ESRCH || job.rounds >= max_rounds) {
        return finish(key, programs->is_empty() ? std::nullopt : std::optional(result.error()));
    }
    start(job, *programs);
}

void ProgramPreserver::go_on(SessionKey key) {
    const auto at = jobs_.find(key);
    if (at == jobs_.end()) {
        return;
    }
    Job& job = at->second;
    const auto left = dependencies_.look(job.session, job.scope, job.keep);
    if (!left) {
        return finish(key, left.error(), true);
    }
    job.moved = left->moved;
    if (left->is_empty()) {
        return finish(key);
    }
    if (++job.rounds > max_rounds) {
        return finish(key,
                      Error{"the kept programs start processes faster than systemd moves them to another scope", 0});
    }
    std::vector<pid_t> pids;
    add_pids(pids, left->servers);
    add_pids(pids, left->others);
    dependencies_.scopes.attach(job.scope, pids, [this, key](const Result<>& result) {
        if (result) {
            go_on(key);
        } else {
            finish(key, result.error());
        }
    });
}

void ProgramPreserver::finish(SessionKey key, std::optional<Error> problem, bool is_unclear) {
    auto job = jobs_.extract(key);
    if (!job) {
        return;
    }
    const Job& done = job.mapped();
    dependencies_.scopes.give_up(done.scope);
    dependencies_.terminate(done.session);
    if (done.moved > 0 || problem) {
        dependencies_.told({.session = done.session,
                            .scope = done.scope,
                            .moved = done.moved,
                            .problem = std::move(problem),
                            .is_unclear = is_unclear});
    }
}

} // namespace sesslimit
