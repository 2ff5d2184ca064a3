// SPDX-License-Identifier: MIT
#pragma once

#include "common/unique_fd.hpp"

#include <sys/types.h>

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

namespace sesslimit::test {

/// sesslimitctl as it was built, as a process, with an environment of its own (TZ=UTC, a UTF-8 locale).
class Program {
  public:
    struct Start {
        std::vector<std::string> arguments;
        std::string bus;                       ///< the address of the system bus
        std::vector<std::string> environment;  ///< "NAME=value", beside the usual ones
        std::optional<unsigned short> columns; ///< on a terminal that wide; none: pipes, and an empty input
        std::string command;                   ///< run this instead of sesslimitctl, by its path
    };
    explicit Program(const Start& start);
    Program(const Program&) = delete;
    Program& operator=(const Program&) = delete;
    ~Program();

    /// Reads until the output has that text; false where it ends without, or takes longer than 20 s.
    bool wait_for(const std::string& text);
    /// The same, for so many milliseconds without any output.
    bool hears_within(const std::string& text, int milliseconds);
    void type(const std::string& text);
    void signal(int number);
    /// Nobody reads its output any more.
    void close_output();

    struct Outcome {
        int exit = -1;   ///< -1: ended by a signal, or not at all
        std::string out; ///< on a terminal that is everything
        std::string err;
    };
    /// Waits for the end.
    Outcome finish();

  private:
    bool read_some(int patience);
    [[nodiscard]] bool has(const std::string& text) const;

    pid_t pid_ = 0;
    UniqueFd input_;
    UniqueFd output_;
    UniqueFd errors_;
    Outcome outcome_;
};

/// Runs it to its end.
Program::Outcome run(const Program::Start& start);

} // namespace sesslimit::test
