// SPDX-License-Identifier: MIT
#include "daemon/missed_notices.hpp"

#include "common/unique_fd.hpp"
#include "daemon/atomic_file.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <utility>

namespace sesslimit {
namespace {

constexpr int max_attempts = 3;

/// Reads a file of at most MissedReasons::max_file_size bytes. Returns an empty text if the file cannot be read.
std::string content_of(const std::filesystem::path& path) {
    const UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
    std::string text;
    std::array<char, 16384> part{};
    for (ssize_t got = 0; (got = ::read(file.get(), part.data(), part.size())) > 0;) {
        text.append(part.data(), static_cast<std::size_t>(got));
        if (text.size() > messages::MissedReasons::max_file_size) {
            return {};
        }
    }
    return text;
}

} // namespace

MissedNotices::MissedNotices(Dependencies dependencies)
    : dependencies_(std::move(dependencies)), timer_(dependencies_.loop, CLOCK_MONOTONIC, [this] { show(); }) {}

void MissedNotices::load() {
    dependencies_.worker.submit([this, path = dependencies_.file]() -> Worker::Done {
        return [this, text = content_of(path)] { reasons_.add(text, boottime_now()); };
    });
}

void MissedNotices::keep(uid_t user, std::string_view text) {
    reasons_.keep(user, boottime_now(), text);
    save();
}

void MissedNotices::offer(const core::Session& session) {
    if (reasons_.find(session.login.uid, boottime_now()).empty() || waiting_.size() >= max_waiting) {
        return;
    }
    waiting_.push_back({.session = session});
    if (!timer_.is_armed()) {
        arm();
    }
}

void MissedNotices::arm() {
    if (const auto armed = timer_.arm_in(dependencies_.terminal_delay); !armed) {
        waiting_.clear(); // the reasons are shown at a later login
        dependencies_.failed(armed.error());
    }
}

void MissedNotices::show() {
    bool has_shown = false;
    for (Waiting& waiting : waiting_) {
        const uid_t user = waiting.session.login.uid;
        const std::string_view text = reasons_.find(user, boottime_now());
        ++waiting.attempts;
        if (text.empty()) {
            waiting.attempts = max_attempts; // another session has shown it
        } else if (dependencies_.write(waiting.session, text)) {
            reasons_.forget(user);
            has_shown = true;
            waiting.attempts = max_attempts;
        }
    }
    std::erase_if(waiting_, [](const Waiting& waiting) { return waiting.attempts >= max_attempts; });
    if (!waiting_.empty()) {
        arm();
    }
    if (has_shown) {
        save();
    }
}

void MissedNotices::save() {
    is_changed_ = true;
    if (is_saving_) {
        return; // saved again afterwards, so that many reasons cause few writes
    }
    is_saving_ = true;
    is_changed_ = false;
    dependencies_.worker.submit([this, path = dependencies_.file, text = reasons_.serialized()]() -> Worker::Done {
        return [this, saved = replace_file(path, text)] {
            is_saving_ = false;
            if (!saved) {
                dependencies_.failed(saved.error());
            } else if (is_changed_) {
                save();
            }
        };
    });
}

} // namespace sesslimit
