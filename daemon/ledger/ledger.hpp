// SPDX-License-Identifier: MIT
#pragma once

#include "common/result.hpp"
#include "daemon/core/session.hpp"

#include <cstddef>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace sesslimit::ledger {

/// Callback that receives the sessions of a ledger one by one while the ledger is opened. A list of 100,000 sessions
/// would use memory that is not returned to the system later. The callback may throw std::bad_alloc and nothing else.
using Restore = std::function<void(core::Session&&)>;

/// File on /run that records all sessions, so that the daemon knows them after a restart. The file is not on a disk,
/// because the sessions do not survive a reboot. docs/ledger.md describes the format. A lock file beside the ledger
/// ensures that only one process uses the ledger.
///
/// An update of the ledger is atomic, even if the process is killed at any point. An update does not sync the file and
/// does not block, unless the file must grow. The class is not thread-safe.
class Ledger {
  public:
    /// Number of slots of a new ledger, and number of slots by which a full ledger grows. A slot contains at most one
    /// session.
    static constexpr std::size_t usual_step = 1024;

    /// Opens the ledger in `directory`, which must exist, and reads all sessions of the ledger. Creates the ledger if
    /// it does not exist. A ledger of an earlier format version is converted. A file that is not a ledger, is of a
    /// later format version, or is of another boot, is renamed to "ledger.old". A new ledger is then created.
    ///
    /// `restore` receives each session of the ledger once, in unspecified order. The times of a session are of this
    /// boot, but are not checked against a clock, and may be in the future. `login.gids_cut` is true if some group IDs
    /// of the session did not fit into the ledger.
    ///
    /// `dropped` receives at most 65 lines for the journal about damaged or rejected slots of the ledger file, and a
    /// few lines about the file itself.
    ///
    /// Fails if the ledger is already open in this or another process (error code EAGAIN), or if the file cannot be
    /// opened or created. In both cases `restore` was not called. Also fails if memory is exhausted, possibly after
    /// calls of `restore`.
    ///
    /// `step`, at least 1, is the number of slots by which the ledger grows. Only tests set `step`.
    static Result<Ledger> open(const std::filesystem::path& directory, const Restore& restore,
                               std::vector<std::string>& dropped, std::size_t step = usual_step);

    Ledger(Ledger&&) noexcept;
    Ledger& operator=(Ledger&&) noexcept;
    ~Ledger();

    /// Writes the record of a session, and replaces an earlier record of the same session. On failure (invalid session,
    /// no space on /run, or out of memory), the earlier record is unchanged.
    Result<> put(const core::Session& session);

    /// Deletes the record of a session. Does nothing if the record does not exist.
    void drop(SessionKey key) noexcept;

    /// Returns true if a restarted daemon would find this ledger. Returns false if the file or its directory was
    /// deleted, renamed or replaced. Records are then still written, but are lost when the daemon stops.
    [[nodiscard]] bool is_in_place() const noexcept;

    /// Returns true if the file was deleted. Costs less than is_in_place(), and cannot detect a renamed directory.
    [[nodiscard]] bool is_deleted() const noexcept;

    /// Returns the number of recorded sessions.
    [[nodiscard]] std::size_t size() const noexcept;

  private:
    struct Impl;
    explicit Ledger(std::unique_ptr<Impl> impl) noexcept;
    std::unique_ptr<Impl> impl_;
};

} // namespace sesslimit::ledger
