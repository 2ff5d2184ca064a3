// SPDX-License-Identifier: MIT
#include "daemon/front.hpp"

#include "daemon/users.hpp"

#include <utility>

namespace sesslimit {

api::Moment Front::moment() const {
    const Boottime now = boottime_now();
    return {.now = now, .wall_offset = realtime_now() - now.time_since_epoch()};
}

const watch::Presence& Front::presence(const warden::Session& session) {
    return presences_.of(session, boottime_now());
}

const watch::Reach& Front::reach(const warden::Session& session) {
    return reaches_.of(session, boottime_now());
}

void Front::end(SessionKey key, const std::string& by) {
    parts_.engine.handle(warden::AskedToEnd{key, by});
}

bool Front::look_up(api::Question question, std::function<void(std::optional<Login>)> then) {
    if (look_ups_ >= most_look_ups) {
        return false;
    }
    ++look_ups_;
    parts_.worker.submit([this, question = std::move(question), then = std::move(then)]() -> Worker::Done {
        return [this, then, login = complete(question)] {
            --look_ups_;
            then(login);
        };
    });
    return true;
}

} // namespace sesslimit
