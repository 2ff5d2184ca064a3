// SPDX-License-Identifier: MIT
#pragma once

#include "common/unique_fd.hpp"

#include <sys/types.h>

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

namespace sesslimit::test {

/// The built sesslimitctl as a process with a fixed environment (TZ=UTC, a UTF-8 locale).
class Program {
  public:
    struct Start {
        std::vector<std::string> arguments;
        std::string bus;                       ///< address of the system bus
        std::vector<std::string> environment;  ///< additional "NAME=value" entries
        std::optional<unsigned short> columns; ///< width of the terminal to run on; empty: pipes and an empty input
        std::string command;                   ///< path of a program to run instead of sesslimitctl
    };
    explicit Program(const Start& start);
    Program(const Program&) = delete;
    Program& operator=(const Program&) = delete;
    ~Program();

    /// Reads until the output contains the text. Returns false if the output ends or 20 s pass without output.
    bool wait_for(const std::string& text);
    /// Does the same, with this limit in milliseconds without output.
    bool hears_within(const std::string& text, int milliseconds);
    void type(const std::string& text);
    void signal(int number);
    /// Closes the reading end of the output.
    void close_output();

    struct Outcome {
        int exit = -1;   ///< -1: terminated by a signal, or still running
        std::string out; ///< on a terminal this is the whole output
        std::string err;
    };
    /// Waits for the program's exit.
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

/// Runs the program until it exits.
Program::Outcome run(const Program::Start& start);

} // namespace sesslimit::test
