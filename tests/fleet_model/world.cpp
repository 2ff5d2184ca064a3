// SPDX-License-Identifier: MIT
#include "tests/fleet_model/world.hpp"

#include <algorithm>

namespace sesslimit::fleet::model {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr Duration call_timeout = milliseconds(300);
/// Time until a released slot is free. It is shorter than the interval of the comparison, which frees it, too.
constexpr Duration release_time = seconds(20);

struct User {
    const char* name;
    std::uint32_t limit;
};
constexpr User users[] = {{"alice", 1}, {"bob", 3}, {"50% carol/é", 20}};

} // namespace

World::World(std::uint32_t seed, std::size_t hosts, Faults faults) : random_(seed), faults_(faults) {
    store_.on_create = [this](const std::string& key, const std::string& value) { created(key, value); };
    store_.on_delete = [this](const std::string& key) { deleted(key); };
    for (std::size_t index = 0; index < hosts; ++index) {
        hosts_.push_back(std::make_unique<Host>(*this, index));
        boot(*hosts_.back());
    }
}

World::~World() = default;

std::size_t World::pick(std::size_t count) {
    return std::uniform_int_distribution<std::size_t>(0, count - 1)(random_);
}

Duration World::between(Duration least, Duration most) {
    return Duration(std::uniform_int_distribution<Duration::rep>(least.count(), most.count())(random_));
}

void World::fail(const std::string& what) {
    if (wrong_.empty()) {
        wrong_ = what + " at " + std::to_string(now_.time_since_epoch().count());
    }
}

void World::at(Duration delay, std::function<void()> what) {
    events_.push({now_ + delay, ++order_, std::make_shared<std::function<void()>>(std::move(what))});
}

void World::pass(Duration span) {
    const BootTime end = now_ + span;
    while (!events_.empty() && events_.top().when <= end && wrong_.empty()) {
        const Event event = events_.top();
        events_.pop();
        now_ = event.when;
        store_.expire(now_);
        (*event.what)();
    }
    now_ = end;
}

/// Schedules the next call of on_time(). A deadline in the past is a loop that never ends.
void World::wake(Host& host) {
    const BootTime deadline = host.agent ? host.agent->deadline() : never;
    if (deadline >= host.wakes) {
        return;
    }
    host.wakes = std::max(deadline, now_);
    at(host.wakes - now_, [this, &host, when = host.wakes] {
        if (host.wakes != when) {
            return;
        }
        host.wakes = never;
        if (host.agent && host.agent->deadline() <= now_) {
            host.agent->on_time(now_);
            if (host.agent->deadline() <= now_) {
                fail(host.name + ": the deadline is still in the past");
            }
        }
        wake(host);
    });
}

// --- Hosts ---------------------------------------------------------------------------------------------------------

void World::boot(Host& host) {
    ++host.boots;
    host.logins.clear();
    host.last_key = 0;
    start_agent(host);
}

void World::start_agent(Host& host) {
    ++host.incarnation;
    host.agent = std::make_unique<Agent>(
        Agent::Settings{.fleet = "fleet",
                        .host = host.name,
                        .record = {.machine = "m" + host.name, .boot = std::to_string(host.boots), .version = "1"},
                        .seed = static_cast<std::uint32_t>(random_())},
        host);
    host.agent->start(now_);
    list(host);
}

/// Lets the daemon connect and list its sessions.
void World::list(Host& host) {
    host.connected = host.listing = true;
    host.agent->begin_list();
    std::vector<std::uint64_t> waiting;
    for (auto& [key, login] : host.logins) {
        if (!login.answered && key % 2 == 0) { // on_fleet_error = "deny"
            waiting.push_back(key);
            continue;
        }
        login.excused = login.excused || !login.answered;
        login.answered = true;
        host.agent->add_listed(session_of(host, key, login));
    }
    for (const std::uint64_t key : waiting) {
        Login& login = host.logins.at(key);
        login.asked = now_;
        host.agent->claim(now_, session_of(host, key, login));
    }
    wake(host);
    at(between({}, milliseconds(100)), [this, &host, connection = ++host.connection, incarnation = host.incarnation] {
        if (host.agent && host.connection == connection && host.incarnation == incarnation) {
            host.listing = false;
            host.agent->end_list(now_);
            wake(host);
        }
    });
}

/// Closes the connection of the daemon, also before the end of a list. It does not send nor receive until the next
/// list.
void World::disconnect(Host& host) {
    host.connected = false;
    ++host.connection;
}

Session World::session_of(const Host& host, std::uint64_t key, const Login& login) {
    return {.key = key,
            .limit = login.limit,
            .record = {.user = login.user, .since = static_cast<std::int64_t>(key + 1000 * host.boots)}};
}

void World::login(Host& host, const std::string& user, std::uint32_t limit) {
    if (!host.agent) {
        return;
    }
    const std::uint64_t key = ++host.last_key;
    const Login& login = host.logins[key] = {.user = user, .limit = limit, .asked = now_};
    ++figures_.claims;
    if (host.connected) {
        host.agent->claim(now_, session_of(host, key, login));
        wake(host);
    }
}

/// Lets users log in while a host joins the fleet again.
void World::log_in_soon(Host& host) {
    for (const User& user : users) {
        at(between({}, milliseconds(1500)), [this, &host, user] { login(host, user.name, user.limit); });
    }
}

void World::logout(Host& host) {
    if (!host.agent || host.logins.empty()) {
        return;
    }
    const auto login = std::next(host.logins.begin(), static_cast<std::ptrdiff_t>(pick(host.logins.size())));
    const std::uint64_t key = login->first;
    host.logins.erase(login);
    release(host, key);
}

/// Releases a session. Its slots must soon be free, without a fault that stops the host or the store.
void World::release(Host& host, std::uint64_t key) {
    if (!host.connected) {
        return;
    }
    host.agent->release(now_, key);
    wake(host);
    if (faults_.hosts || faults_.store) {
        return;
    }
    at(release_time, [this, &host, key, before = slots_of(host, key)] {
        for (const std::int64_t created : slots_of(host, key)) {
            if (std::ranges::find(before, created) != before.end()) {
                fail(host.name + ": the slot of session " + std::to_string(key) + " is still occupied");
            }
        }
    });
}

void World::hear(Host& host, std::uint64_t key, const Answer& answer) {
    if (!host.connected) {
        return;
    }
    const auto found = host.logins.find(key);
    if (host.listing && (found == host.logins.end() || found->second.answered)) {
        return; // the session has ended, or was admitted, while the daemon was not connected
    }
    if (found == host.logins.end() || found->second.answered) {
        fail(host.name + ": unexpected answer for session " + std::to_string(key));
        return;
    }
    Login& login = found->second;
    login.answered = true;
    if (now_ - login.asked > Agent::answer_timeout) {
        fail(host.name + ": late answer");
    }
    switch (answer.outcome) {
    case Answer::Outcome::granted:
        ++figures_.granted;
        break;
    case Answer::Outcome::full:
        ++figures_.full;
        if (answer.count < login.limit) {
            fail(host.name + ": denied with free slots");
        }
        check_holders(host, login, answer);
        host.logins.erase(found);
        break;
    case Answer::Outcome::unknown:
        ++figures_.unknown;
        login.excused = true;
        if (key % 2 == 0) { // on_fleet_error = "deny"
            host.logins.erase(found);
            at({}, [this, &host, key, incarnation = host.incarnation] {
                if (host.agent && host.incarnation == incarnation) {
                    release(host, key);
                }
            });
        }
        break;
    }
}

// --- The network ---------------------------------------------------------------------------------------------------

void World::deliver(Host& host, std::uint64_t id, const Call& call) {
    const bool bad = faulty_ && faults_.network;
    const auto reply = [this, &host, incarnation = host.incarnation, id](Duration delay, const CallResult& result) {
        at(delay, [this, &host, incarnation, id, result] {
            if (host.agent && host.incarnation == incarnation) {
                host.agent->on_reply(now_, id, result);
                wake(host);
            }
        });
    };
    const CallResult timeout = CallFailure{CallFailure::Kind::unavailable, "deadline exceeded"};
    if (bad && chance(5)) { // refused at once
        reply(milliseconds(1), timeout);
        return;
    }
    if (bad && chance(10)) { // the request is lost
        reply(call_timeout, timeout);
        return;
    }
    Duration there = between(Duration(100), milliseconds(30));
    if (bad && chance(8)) {
        there = between(milliseconds(100), seconds(10));
    }
    if (there >= call_timeout) {
        reply(call_timeout, timeout);
    }
    at(there, [this, &host, call, reply, there, bad, timeout, incarnation = host.incarnation] {
        const bool lost = store_down_ || host.cut_off;
        const CallResult result = lost ? timeout : store_.execute(now_, call);
        if (there >= call_timeout) {
            return;
        }
        const bool reply_lost = lost || (bad && chance(10));
        const Duration back = between(Duration(100), milliseconds(30));
        reply(reply_lost || there + back >= call_timeout ? call_timeout - there : back, reply_lost ? timeout : result);
    });
}

// --- Faults --------------------------------------------------------------------------------------------------------

void World::fault() {
    if (faults_.hosts) {
        host_fault(*hosts_[pick(hosts_.size())]);
    }
    if (faults_.store && chance(30)) {
        store_down_ = true;
        at(between(seconds(1), seconds(20)), [this] { store_down_ = false; });
    }
    if (faults_.store && chance(30) && !store_.keys().empty()) {
        const auto entry = std::next(store_.keys().begin(), static_cast<std::ptrdiff_t>(pick(store_.keys().size())));
        if (chance(80)) {
            store_.remove(std::string(entry->first));
        } else {
            (void)store_.execute(now_, RevokeLease{entry->second.lease});
        }
    }
}

void World::host_fault(Host& host) {
    switch (pick(5)) {
    case 0:
        host.cut_off = true;
        at(between(seconds(1), seconds(90)), [this, &host] {
            host.cut_off = false;
            log_in_soon(host);
        });
        break;
    case 1: // the machine crashes and boots again
        host.agent.reset();
        host.logins.clear();
        ++host.incarnation;
        at(between(seconds(1), seconds(60)), [this, &host, incarnation = host.incarnation] {
            if (host.incarnation == incarnation) {
                boot(host);
            }
        });
        break;
    case 2: // sesslimit-fleetd restarts
        if (host.agent) {
            start_agent(host);
            log_in_soon(host);
        }
        break;
    case 3: // sesslimitd restarts, and gives another number to the logins that wait
        if (host.agent) {
            std::erase_if(host.logins, [](const auto& entry) { return !entry.second.answered; });
            list(host);
        }
        break;
    default: // sesslimitd connects again, after a connection that was closed before the end of its list
        if (host.agent) {
            list(host);
            disconnect(host);
            log_in_soon(host);
            for (int count = 0; count < 4; ++count) { // The next list does not contain these sessions.
                at(between({}, milliseconds(700)), [this, &host] { logout(host); });
            }
            at(milliseconds(750), [this, &host] {
                if (host.agent) {
                    list(host);
                }
            });
        }
        break;
    }
}

// --- Runs ----------------------------------------------------------------------------------------------------------

void World::run(Duration span) {
    faulty_ = true;
    const BootTime end = now_ + span;
    BootTime next_fault = now_ + between(seconds(1), seconds(20));
    while (now_ < end && wrong_.empty()) {
        pass(between(milliseconds(1), milliseconds(400)));
        Host& host = *hosts_[pick(hosts_.size())];
        if (chance(60)) {
            const User& user = users[pick(std::size(users))];
            login(host, user.name, user.limit);
        } else {
            logout(host);
        }
        if (next_fault <= now_) {
            fault();
            next_fault = now_ + between(seconds(1), seconds(20));
        }
    }
    faulty_ = false;
    pass(std::chrono::minutes(5));
    check_quiet();
    if (!faults_.hosts && !faults_.store && figures_.repaired > 0) {
        fail("sessions were recorded again without a reason");
    }
}

std::size_t World::storm(const std::string& user, std::uint32_t limit, std::size_t count, std::uint32_t beyond) {
    pass(seconds(5));
    for (std::uint32_t slot = limit + 1; slot <= limit + beyond; ++slot) {
        Transaction put;
        put.success = {Put{keys_.slot(user, slot), encode(SlotRecord{.host = "other", .session = slot}), 0}};
        (void)store_.execute(now_, put);
    }
    const std::size_t before = figures_.granted;
    for (std::size_t number = 0; number < count; ++number) {
        login(*hosts_[number % hosts_.size()], user, limit);
    }
    pass(seconds(10));
    return figures_.granted - before;
}

} // namespace sesslimit::fleet::model
