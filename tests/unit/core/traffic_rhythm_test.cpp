// SPDX-License-Identifier: MIT
// Hours of simulated typing, with and without background traffic. The seed is fixed, and is printed if a test fails.
#include "daemon/core/traffic.hpp"
#include "tests/unit/support/cmocka.hpp"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <random>
#include <string>

namespace {

using namespace sesslimit;
using namespace std::chrono_literals;
using core::SocketSample;
using core::TrafficHistory;
using core::TrafficSource;

constexpr BootTime start{std::chrono::hours(1)};

/// Sizes of a key, its echo, the keepalives of client and server, and their answers (docs/activity.md).
struct Cipher {
    const char* name;
    std::uint64_t key;
    std::uint64_t cursor_key;
    std::uint64_t echo;
    std::uint64_t client_keepalive;
    std::uint64_t client_answer;
    std::uint64_t server_keepalive;
    std::uint64_t server_answer;
};
constexpr std::array ciphers{Cipher{"chacha20-poly1305", 36, 44, 36, 52, 28, 60, 36},
                             Cipher{"aes-gcm", 36, 52, 36, 52, 36, 68, 36},
                             Cipher{"aes-ctr, hmac-sha2-256-etm", 52, 68, 52, 68, 52, 84, 52},
                             Cipher{"aes-ctr, hmac-sha2-256", 64, 64, 64, 80, 48, 80, 48}};

enum class Keys { letters, enter, cursor, command };

struct Rhythm {
    const char* name;
    Keys keys;
    Duration shortest;
    Duration longest;
};
/// Each interval also varies by 20 %.
constexpr std::array rhythms{Rhythm{"a letter every 3 s", Keys::letters, 3s, 3s},
                             Rhythm{"a letter every 8 s", Keys::letters, 8s, 8s},
                             Rhythm{"a letter at random every 1 to 10 s", Keys::letters, 1s, 10s},
                             Rhythm{"Enter every 6 s", Keys::enter, 6s, 6s},
                             Rhythm{"a cursor key every 5 s", Keys::cursor, 5s, 5s},
                             Rhythm{"a command every minute", Keys::command, 60s, 60s}};

struct Background {
    const char* name;
    Duration client;
    Duration server;
};
constexpr std::array backgrounds{Background{"no keepalives", {}, {}}, Background{"keepalives of the client", 5s, {}},
                                 Background{"keepalives of the server", {}, 7036ms}};

/// One ssh connection with a user who types, seen from the client's side of it.
class Connection {
  public:
    Connection(const Rhythm& rhythm, const Cipher& cipher, const Background& background, TrafficSource source,
               std::uint64_t seed)
        : rhythm_(rhythm), cipher_(cipher), background_(background), source_(source), random_(seed) {
        sample_.cookie = 1;
        send(2'000, 2'000, start);
        key_ = start + interval();
        keepalive_after(start);
    }

    /// Lets the connection run until `now`. The user does not type after `stop`.
    const SocketSample& run(BootTime now, BootTime stop) {
        while (std::min({key_ <= stop ? key_ : never, client_, server_}) <= now) {
            if (key_ <= stop && key_ <= std::min(client_, server_)) {
                type();
            } else if (client_ <= server_) {
                send(cipher_.client_keepalive, cipher_.client_answer, client_ + delay());
                client_ += background_.client; // the timer of the client has whole seconds
            } else {
                const BootTime at = server_ + delay();
                send(cipher_.server_answer, cipher_.server_keepalive, at);
                server_ = at + background_.server;
            }
        }
        return sample_;
    }

    [[nodiscard]] BootTime last_use() const { return last_use_; }

  private:
    Duration between(Duration shortest, Duration longest) {
        return Duration(std::uniform_int_distribution(shortest.count(), longest.count())(random_));
    }
    Duration delay() { return between(0s, 12ms); }
    Duration interval() { return between(rhythm_.shortest, rhythm_.longest) * between(800us, 1200us).count() / 1000; }

    void type() {
        const int keys = rhythm_.keys == Keys::command ? 5 : 1;
        for (int left = keys; left-- > 0;) {
            const bool is_enter = rhythm_.keys == Keys::enter || (keys > 1 && left == 0);
            send(rhythm_.keys == Keys::cursor ? cipher_.cursor_key : cipher_.key,
                 is_enter ? cipher_.server_keepalive : cipher_.echo, key_ - left * 150ms);
        }
        last_use_ = key_;
        keepalive_after(last_use_);
        key_ += interval();
    }

    void keepalive_after(BootTime at) {
        client_ = background_.client > 0s ? at + background_.client - between(0s, 1s) : never;
        server_ = background_.server > 0s ? at + background_.server : never;
    }

    /// Sends a message from the client and one back. The kernel's times have a resolution of 4 ms.
    void send(std::uint64_t to_server, std::uint64_t to_client, BootTime at) {
        const bool is_channel = source_ == TrafficSource::channel;
        sample_.bytes_out += is_channel ? to_client : to_server;
        sample_.bytes_in += is_channel ? to_server : to_client;
        ++sample_.segments_out;
        ++sample_.segments_in;
        sample_.last_out = sample_.last_in = BootTime(at.time_since_epoch() / 4ms * 4ms);
    }

    const Rhythm& rhythm_;
    const Cipher& cipher_;
    const Background& background_;
    TrafficSource source_;
    std::mt19937_64 random_;
    SocketSample sample_;
    BootTime key_{};
    BootTime client_ = never;
    BootTime server_ = never;
    BootTime last_use_ = start;
};

struct Case {
    const Rhythm& rhythm;
    const Cipher& cipher;
    const Background& background;
    TrafficSource source;
    std::uint64_t seed;

    [[nodiscard]] std::string about() const {
        return std::string(rhythm.name) + ", " + cipher.name + ", " + background.name +
               (source == TrafficSource::network ? ", network" : ", channel") + ", seed " + std::to_string(seed);
    }
};

template <class Check>
void for_each_case(Check check) {
    std::uint64_t seed = 1;
    for (const Rhythm& rhythm : rhythms) {
        for (const Cipher& cipher : ciphers) {
            for (const Background& background : backgrounds) {
                const TrafficSource source = ++seed % 2 == 0 ? TrafficSource::network : TrafficSource::channel;
                check(Case{rhythm, cipher, background, source, seed});
            }
        }
    }
}

/// Time for which each case runs, in idle limits. The variable SESSLIMIT_RHYTHM_LENGTH replaces it in longer runs.
int length_in_limits() {
    const char* text = std::getenv("SESSLIMIT_RHYTHM_LENGTH"); // NOLINT(concurrency-mt-unsafe): the test has one thread
    return text == nullptr ? 3 : std::max(1, std::atoi(text));
}

/// Returns true if a session whose user types is idle for `limit`, with samples as the daemon takes them.
bool is_ended_while_typing(const Case& each, Duration limit, Duration length) {
    Connection connection(each.rhythm, each.cipher, each.background, each.source, each.seed);
    TrafficHistory history;
    for (BootTime now = start + 1s; now < start + length; now += std::max<Duration>(1s, limit / 20)) {
        const SocketSample& sample = connection.run(now, never);
        history = core::with_sample(std::move(history), each.source, std::span(&sample, 1), now);
        if (now - core::judge(history, each.source).last >= limit && now - connection.last_use() < limit) {
            return true;
        }
    }
    return false;
}

/// Returns how long after the last use and the limit a session is idle.
Duration lateness(const Case& each, Duration limit) {
    Connection connection(each.rhythm, each.cipher, each.background, each.source, each.seed);
    const BootTime stop = start + 4min;
    TrafficHistory history;
    for (BootTime now = start + 1s;;) {
        const SocketSample& sample = connection.run(now, stop);
        history = core::with_sample(std::move(history), each.source, std::span(&sample, 1), now);
        const BootTime last = core::judge(history, each.source).last;
        if (now > stop && (now - last >= limit || now > stop + 10 * limit)) {
            return now - connection.last_use() - limit;
        }
        now = std::min(now + limit / 20, std::max(now + 1s, last + limit + 500ms));
    }
}

SESSLIMIT_TEST(a_user_who_types_is_not_idle) {
    std::string ended;
    for_each_case([&](const Case& each) {
        // A limit that is shorter than twice the interval can expire between two keys.
        const bool is_slow = each.rhythm.keys == Keys::command;
        for (const Duration limit : {Duration(is_slow ? 150s : 30s), Duration(15min)}) {
            if (is_ended_while_typing(each, limit, limit * length_in_limits())) {
                ended += each.about() + ", limit " + std::to_string(limit / 1s) + " s\n";
            }
        }
    });
    EXPECT_TEXT(ended, "");
}

SESSLIMIT_TEST(a_user_who_has_stopped_becomes_idle) {
    std::string late;
    for_each_case([&](const Case& each) {
        // Keys with the sizes of keepalives are only distinguished by their times, which takes longer.
        const bool is_like_keepalive = each.rhythm.keys == Keys::enter || each.rhythm.keys == Keys::cursor;
        for (const Duration limit : {Duration(60s), Duration(15min)}) {
            const Duration is = lateness(each, limit);
            if (is < 0s || is > std::max<Duration>(16s, limit * (is_like_keepalive ? 3 : 2) / 20)) {
                late += each.about() + ", limit " + std::to_string(limit / 1s) + " s: " + std::to_string(is / 1ms) +
                        " ms late\n";
            }
        }
    });
    EXPECT_TEXT(late, "");
}

} // namespace
