// SPDX-License-Identifier: MIT
#pragma once

#include "ctl/commands/edit.hpp"
#include "ctl/commands/set.hpp"
#include "ctl/commands/settings.hpp"
#include "tests/ctl/fakes.hpp"
#include "tests/ctl/temporary_directory.hpp"
#include "tests/unit/support/names.hpp"

#include <optional>
#include <string>
#include <utility>
#include <vector>

/// Runs the commands for settings in a temporary policy directory.
namespace sesslimit::test {

inline constexpr char drop_in_file[] = "policy.d/90-set.toml";

inline bool contains(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}

/// A policy directory with the daemon, host and console of one command after the other.
struct SetBench {
    TemporaryDirectory directory;
    FakeRemote remote;
    FakeHost host;
    FakeNames names;
    ctl::Json json = ctl::Json::off;
    ctl::Exit exit = ctl::Exit::ok;
    std::string printed;    ///< without the path of the directory
    std::string complaints; ///< without the path of the directory
    std::string questions;
    std::optional<bool> answer; ///< answer to each question; without one, the console cannot ask

    ctl::SetRequest request{};

    SetBench() { request.directory = directory.path(); }

    void set(std::vector<std::string> words) { change(true, std::move(words)); }
    void unset(std::vector<std::string> words) { change(false, std::move(words)); }
    [[nodiscard]] std::string text() const { return directory.read(drop_in_file); }

    template <class Command>
    void show(const Command& command, ctl::SettingsRequest settings) {
        settings.directory = directory.path();
        FakeConsole console;
        console.look.json = json;
        exit = command(settings, names, console);
        keep(console);
    }

  private:
    void change(bool sets, std::vector<std::string> words) {
        request.words = std::move(words);
        FakeConsole console;
        console.look.json = json;
        console.answer = answer;
        exit = (sets ? ctl::set : ctl::unset)(request, {names, remote, host}, console);
        keep(console);
    }

    void keep(const FakeConsole& console) {
        printed = relative(console.printed + console.paged);
        complaints = relative(console.complaints);
        questions = console.questions;
    }

    [[nodiscard]] std::string relative(std::string text) const {
        const std::string path = directory.path().string() + '/';
        for (std::size_t at = 0; (at = text.find(path)) != text.npos;) {
            text.erase(at, path.size());
        }
        return text;
    }
};

/// An editor that replaces the text by the next of its texts.
class FakeEditor final : public ctl::Editor {
  public:
    explicit FakeEditor(std::vector<std::string> texts) : texts_(std::move(texts)) {}
    std::vector<std::string> seen;

    Result<std::string> edit(std::string_view text) override {
        seen.emplace_back(text);
        return seen.size() > texts_.size() ? Result<std::string>(fail("no more texts")) : texts_[seen.size() - 1];
    }

  private:
    std::vector<std::string> texts_;
};

} // namespace sesslimit::test
