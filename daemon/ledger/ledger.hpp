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

/// A function that receives each session of a ledger while the ledger is opened. Sessions are passed on one by one,
/// because storing 100,000 of them would use memory that is never returned. The function may throw std::bad_alloc and
/// nothing else.
using Restore = std::function<void(core::Session&&)>;

/// The sessions in a file on /run, which survive a restart of the daemon. They are not kept on disk, because they are
/// meaningless after a boot. docs/ledger.md describes the format. The lock file beside the ledger ensures that only one
/// process uses the ledger.
///
/// An update is atomic, even if the process is killed at any point. Updates do not sync and do not block. Only growing
/// the file performs I/O. Not thread-safe.
class Ledger {
  public:
    /// Number of slots of a new ledger, and of each growth.
    static constexpr std::size_t usual_step = 1024;

    /// Opens the ledger in `directory`, which must exist, and reads it. Creates the ledger if it does not exist. A file
    /// that is not a ledger, or has another format version, or is of another boot, is moved aside (".old"). A new
    /// ledger is then created.
    ///
    /// `restore` receives each session once, in unspecified order. Each session is complete and valid (codec.hpp). The
    /// times of a session are of this boot, but have not been compared with a clock. `login.gids_cut` is true if some
    /// group IDs did not fit into the record. `dropped` receives a line for the journal about each item that was
    /// rejected, at most 65 lines.
    ///
    /// Fails if another process has the ledger open (the error code is EAGAIN) or if nothing can be written. In both
    /// cases `restore` was not called. If memory is exhausted, `restore` may have been called. A process must not have
    /// more than one Ledger of a directory (lock.hpp). `step`, at least 1, is for tests.
    static Result<Ledger> open(const std::filesystem::path& directory, const Restore& restore,
                               std::vector<std::string>& dropped, std::size_t step = usual_step);

    Ledger(Ledger&&) noexcept;
    Ledger& operator=(Ledger&&) noexcept;
    ~Ledger();

    /// Writes the record of a session, and replaces an earlier record with the same key. On failure (an invalid
    /// session, no space on /run, no memory) the earlier record is unchanged.
    Result<> put(const core::Session& session);

    /// Deletes the record of a session. Does nothing if the record does not exist.
    void drop(SessionKey key) noexcept;

    /// Returns the number of recorded sessions.
    [[nodiscard]] std::size_t size() const noexcept;

  private:
    struct Impl;
    explicit Ledger(std::unique_ptr<Impl> impl) noexcept;
    std::unique_ptr<Impl> impl_;
};

} // namespace sesslimit::ledger
