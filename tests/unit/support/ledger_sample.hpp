// SPDX-License-Identifier: MIT
#pragma once

#include "daemon/ledger/ledger.hpp"
#include "daemon/ledger/slot.hpp"
#include "tests/unit/support/cmocka.hpp"

#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

/// Shared code of the ledger's tests: sessions, temporary directories, the ledger's file as bytes.
namespace sesslimit::test {

/// Returns a session whose fields encode its key and the number of updates.
inline core::Session sample(std::uint64_t key, std::uint32_t version = 0) {
    core::Session session;
    session.key = SessionKey{key};
    session.phase = core::Phase::active;
    session.login.user = "user" + std::to_string(key);
    session.login.uid = version;
    session.login.gids = {100, 1000 + version};
    session.login.service = "sshd";
    session.login.rhost = std::string(version % 200, 'r');
    session.login.credential.fingerprint = "SHA256:" + std::to_string(version);
    session.leader = {.pid = static_cast<pid_t>(key % 4'000'000), .mark = version};
    session.logind_id = std::to_string(key);
    session.opened = BootTime(Duration(static_cast<std::int64_t>(key)));
    session.last_input = BootTime(Duration(version));
    session.reason.count = version;
    return session;
}

/// Returns a session in which every text has its maximum length and every number differs from its default.
inline core::Session fullest() {
    core::Session session = sample(~std::uint64_t{0}, 7);
    session.phase = core::Phase::left_behind;
    session.adopted = true;
    session.kept = true;
    session.observed = true;
    session.graphical = true;
    session.terminal = core::Terminal::none;
    session.login = {.user = std::string(255, 'u'),
                     .uid = 4'294'967'294,
                     .gids = {4'294'967'295},
                     .service = std::string(64, 's'),
                     .tty = std::string(64, 't'),
                     .rhost = std::string(255, '\xff'),
                     .ruser = std::string(255, '\n'),
                     .seat = std::string(64, 'S'),
                     .credential = {.method = std::string(64, 'm'),
                                    .fingerprint = std::string(64, 'f'),
                                    .certificate_id = std::string(128, '\xfe'),
                                    .ca = std::string(64, 'a')},
                     .connection = std::string(128, 'c'),
                     .nested = true,
                     .gids_cut = true};
    session.leader = {.pid = 2'147'483'647, .mark = ~std::uint64_t{0}};
    session.logind_id = std::string(64, 'i');
    session.scope = std::string(64, 'o');
    session.opened = BootTime(Duration(1));
    session.admitted = BootTime(Duration(10));
    session.logged_out = BootTime(Duration(20));
    session.last_input = BootTime(Duration(2));
    session.longest_idle = core::WholeSeconds(~std::uint32_t{0});
    session.grace_until = never;
    session.max_duration = Duration(3);
    session.idle_timeout = Duration(4);
    session.idle_timeout_no_terminal = Duration(11);
    session.last_sample = {.at = BootTime(Duration(12)),
                           .input = Duration(std::int64_t{1} << 60),
                           .output = Duration(13),
                           .wall_offset = -Duration(std::int64_t{1} << 60),
                           .processor_time = Duration(14)};
    session.last_notice_at = BootTime(Duration(19));
    session.duration_warned = Duration(5);
    session.idle_warned = Duration(6);
    session.reason = {
        .cause = core::Cause::requested, .count = ~std::uint32_t{0}, .span = Duration(8), .by = std::string(255, 'b')};
    session.stage = core::TerminationStage::sigkill_sent;
    session.due = BootTime(Duration(9));
    session.fleet_limit = 1000;
    return session;
}

/// A temporary directory, empty at first and deleted with the object. It is in memory, like /run, if /dev/shm is
/// writable.
class TemporaryDirectory {
  public:
    TemporaryDirectory() {
        const bool shm = ::access("/dev/shm", W_OK | X_OK) == 0;
        const auto parent = shm ? std::filesystem::path("/dev/shm") : std::filesystem::temp_directory_path();
        std::string name = (parent / "sesslimit-ledger-XXXXXX").string();
        if (::mkdtemp(name.data()) == nullptr) {
            throw std::filesystem::filesystem_error("mkdtemp", name, std::error_code(errno, std::generic_category()));
        }
        path = name;
    }
    TemporaryDirectory(const TemporaryDirectory&) = delete;
    TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;
    ~TemporaryDirectory() {
        std::error_code ignored;
        std::filesystem::remove_all(path, ignored);
    }

    std::filesystem::path path;
};

using Sessions = std::map<SessionKey, core::Session>;

/// A ledger together with the messages from opening it.
struct Opened {
    Sessions sessions;
    std::vector<std::string> dropped;
    Result<ledger::Ledger> ledger = std::unexpected(Error{"not opened", 0});
    bool twice = false; ///< a key was returned more than once

    explicit Opened(const std::filesystem::path& directory, std::size_t step = ledger::Ledger::usual_step) {
        ledger = ledger::Ledger::open(
            directory,
            [this](core::Session&& session) {
                const SessionKey key = session.key;
                twice = !sessions.emplace(key, std::move(session)).second || twice;
            },
            dropped, step);
    }
    Opened(const Opened&) = delete;
    Opened& operator=(const Opened&) = delete;

    void close() { ledger = std::unexpected(Error{"closed", 0}); }

    [[nodiscard]] bool good() const { return ledger.has_value() && !twice && ledger->size() == sessions.size(); }
    [[nodiscard]] std::string said() const {
        std::string all = ledger ? "" : ledger.error().what;
        for (const std::string& line : dropped) {
            all += (all.empty() ? "" : "\n") + line;
        }
        return all;
    }
};

using Bytes = std::vector<std::byte>;

inline Bytes read_file(const std::filesystem::path& file) {
    Bytes bytes(std::filesystem::file_size(file));
    std::ifstream in(file, std::ios::binary);
    in.read(reinterpret_cast<char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
    return bytes;
}

inline void write_file(const std::filesystem::path& file, const Bytes& bytes) {
    std::ofstream out(file, std::ios::binary | std::ios::trunc);
    out.write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
}

/// Creates a ledger file of three slots: session 1 put once, session 2 twice, slot 3 used and released again. Returns
/// its bytes.
inline Bytes small_ledger(const std::filesystem::path& directory) {
    {
        Opened made(directory, 3);
        for (const auto& session : {sample(1), sample(2), sample(3), sample(2, 1)}) {
            if (!made.ledger || !made.ledger->put(session)) {
                throw std::runtime_error(made.said());
            }
        }
        made.ledger->drop(SessionKey{3});
    }
    return read_file(directory / "ledger");
}

inline const Sessions small_sessions{{SessionKey{1}, sample(1)}, {SessionKey{2}, sample(2, 1)}};

/// Returns a slot of the file's bytes. Slot 0 is the header, slot 1 the first session slot.
inline ledger::SlotBytes slot_of(Bytes& file, std::size_t place) {
    return ledger::SlotBytes(file.data() + place * ledger::slot_size, ledger::slot_size);
}

} // namespace sesslimit::test
