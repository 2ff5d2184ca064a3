// SPDX-License-Identifier: MIT
#include "daemon/policy/load.hpp"

#include "daemon/policy/match.hpp"
#include "daemon/policy/read.hpp"
#include "daemon/policy/resolve.hpp"
#include "tests/unit/support/cmocka.hpp"
#include "tests/unit/support/names.hpp"

#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <sstream>

namespace {

using namespace sesslimit;
using namespace sesslimit::policy;
using sesslimit::test::FakeNames;
namespace fs = std::filesystem;

const fs::path source_dir = SESSLIMIT_SOURCE_DIR;
const fs::path corpus = source_dir / "tests/data/policies/broken";

std::string content(const fs::path& file) {
    std::ifstream stream(file, std::ios::binary);
    std::ostringstream text;
    text << stream.rdbuf();
    return text.str();
}

Loaded load_text(std::string text) {
    FakeNames names;
    return load({{"p.toml", Tier::host, std::move(text)}}, names);
}

/// Formats the problems as text for comparison.
std::string told(const std::vector<Problem>& problems) {
    std::string text;
    for (const Problem& problem : problems) {
        text += format(problem) + '\n';
    }
    return text;
}

/// Returns true if the problem matches a line of an .expect file: "error LINE:COLUMN part of the message". A location
/// "*" matches any location, because the TOML parser chooses it.
bool is_expected(const Problem& problem, const std::string& line) {
    std::istringstream words(line);
    std::string severity;
    std::string place;
    std::string part;
    words >> severity >> place >> std::ws;
    std::getline(words, part);
    const std::string is = std::to_string(problem.line) + ':' + std::to_string(problem.column);
    return severity == (problem.severity == Problem::Severity::error ? "error" : "warning") &&
           (place == "*" || place == is) && problem.what.find(part) != std::string::npos;
}

SESSLIMIT_TEST(corpus_errors_reported_as_expected) {
    std::size_t files = 0;
    for (const auto& at : fs::directory_iterator(corpus)) {
        if (at.path().extension() != ".toml") {
            continue;
        }
        ++files;
        const std::string name = at.path().filename();
        const Loaded loaded = load_text(content(at.path()));
        std::istringstream expected(content(fs::path(at.path()).replace_extension(".expect")));
        std::size_t count = 0;
        bool errors = false;
        for (std::string line; std::getline(expected, line); ++count) {
            const bool as_expected = count < loaded.problems.size() && is_expected(loaded.problems[count], line);
            errors = errors || line.starts_with("error");
            EXPECT(as_expected, name + ": " + line + "\nis:\n" + told(loaded.problems));
        }
        EXPECT(count > 0 && count == loaded.problems.size(), name + "\n" + told(loaded.problems));
        EXPECT(loaded.policy.has_value() == !errors, name);
    }
    EXPECT(files >= 40, "size of the corpus");
}

SESSLIMIT_TEST(errors_of_all_files_reported) {
    FakeNames names;
    const Loaded loaded =
        load({{"b.toml", Tier::host, "version = 1\n[defaults]\nmax_sessions = -1\n"},
              {"a.toml", Tier::host, "version = \n"},
              {"c.toml", Tier::managed, "version = 1\n[defaults]\nmode = \"x\"\nmax_sessions = 2.5\n"}},
             names);
    std::string places;
    for (const Problem& problem : loaded.problems) {
        places += problem.path + (problem.path == "a.toml" ? " " : ':' + std::to_string(problem.line) + ' ');
    }
    EXPECT_TEXT(places, "a.toml b.toml:3 c.toml:3 c.toml:4 ");
    EXPECT(!loaded.policy, "no policy if a file is broken");
}

SESSLIMIT_TEST(empty_text_gives_empty_policy) {
    for (const char* text :
         {"", "\n", "# only words\n", "version = 1\n", "version = 1", "version = 1\r\n", "\n\n[defaults]\n"}) {
        const Loaded loaded = load_text(text);
        const bool needs_version = std::string_view(text).find("defaults") != std::string_view::npos;
        EXPECT(loaded.policy.has_value() == !needs_version, text);
        EXPECT(loaded.problems.size() == (needs_version ? 1u : 0u), text);
    }
    FakeNames names;
    EXPECT(load({}, names).policy.has_value(), "no file");
}

SESSLIMIT_TEST(rule_names_unique_per_tier) {
    const std::string text = "version = 1\n[[rule]]\nname = \"r\"\nmatch.user = \"alice\"\nmax_sessions = 1\n";
    FakeNames names;
    EXPECT(load({{"a", Tier::managed, text}, {"b", Tier::host, text}}, names).policy.has_value(), "one in each tier");
    const Loaded twice = load({{"a", Tier::host, text}, {"b", Tier::host, text}}, names);
    EXPECT(!twice.policy, "two in one tier");
    EXPECT(twice.problems.at(0).what.find("\"a\" line 2") != std::string::npos, twice.problems.at(0).what);
}

/// Returns the message of a policy that sets nothing else in [defaults], or its problems.
std::string message_of(std::string_view written) {
    const Loaded loaded = load_text("version = 1\n[defaults]\nmessage = " + std::string(written) + '\n');
    return loaded.policy ? loaded.policy->host.defaults.message.value().value : told(loaded.problems);
}

SESSLIMIT_TEST(messages_read_with_normalized_line_ends) {
    EXPECT_TEXT(message_of(R"("")"), "");
    EXPECT_TEXT(message_of(R"("Ask {user}")"), "Ask {user}");
    EXPECT_TEXT(message_of("'''\nAsk\n  {user}\n\nnow\n'''"), "Ask\n  {user}\n\nnow");
    EXPECT_TEXT(message_of("'''\r\nAsk\r\n{user}\r\n'''"), "Ask\n{user}");
    EXPECT_TEXT(message_of(R"("a\nb\r\nc")"), "a\nb\nc");
    EXPECT_TEXT(message_of(R"("\u00e4 {{ }}")"), "\xC3\xA4 {{ }}");
    EXPECT_TEXT(message_of('"' + std::string(1024, 'x') + '"'), std::string(1024, 'x'));
    EXPECT(message_of('"' + std::string(1025, 'x') + '"').find("1025 bytes; the maximum is 1024") != std::string::npos,
           "one too many");
}

SESSLIMIT_TEST(error_location_inside_message_text) {
    struct Case {
        const char* written;
        const char* place; ///< location of the last error; the text begins at 3:11
    };
    constexpr Case cases[] = {
        {R"("{x}")", "3:13"},
        {R"("ab {x}")", "3:16"},
        {"'''ab {x}'''", "3:18"},
        {"'''\nab {x}'''", "4:5"},
        {"'''\r\nab\r\n\r\n {x}'''", "6:3"},
        {"'''ab\ncd\n{x} ef\n'''", "5:2"},
        {"\"\"\"ab\ncd\n{x} ef\n\"\"\"", "5:2"},
        {R"("a\u0042 {x}")", "3:11"}, // after an escape the column is unknown
        {"\"\"\"ab\\\n  cd {x}\"\"\"", "3:11"},
        {"\"\"\"a\\nb\n}\n}\"\"\"", "3:11"}, // the lines of the value differ from those of the file
        {R"("ab }")", "3:15"},
        {"'''\nab\n }'''", "5:2"},
        {"'''\nab\n{'''", "5:1"},
    };
    for (const Case& one : cases) {
        const Loaded loaded = load_text("version = 1\n[defaults]\nmessage = " + std::string(one.written) + '\n');
        EXPECT(!loaded.problems.empty(), one.written);
        const Problem& problem = loaded.problems.back();
        EXPECT_TEXT(std::to_string(problem.line) + ':' + std::to_string(problem.column), one.place);
    }
}

SESSLIMIT_TEST(names_looked_up_once) {
    FakeNames names;
    const std::string text = "version = 1\n[[rule]]\nname = \"r\"\nmatch.user = [\"alice\", \"!alice\", \"alice\"]\n"
                             "match.group = [\"staff\", \"staff\"]\nmax_sessions = 1\n";
    const Loaded found = load({{"a", Tier::host, text}, {"b", Tier::managed, text}}, names);
    EXPECT(names.asked == 2, "one user, one group");
    EXPECT(found.policy && !found.unresolved, "found");
    names.groups.clear();
    const Loaded missed = load({{"a", Tier::host, text}}, names);
    EXPECT(missed.policy && missed.unresolved, "a missing group is a warning and is reported");
    EXPECT(!missed.policy->host.rules.at(0).match->group.any.at(0).gid, "no gid");
}

SESSLIMIT_TEST(problem_formatted_with_line_and_caret) {
    const auto problem = [](std::uint32_t line, std::uint32_t column, std::string excerpt) {
        return Problem{Problem::Severity::error, "p.toml", line, column, "no", std::move(excerpt)};
    };
    EXPECT_TEXT(format(problem(0, 0, "")), "p.toml: error: no");
    EXPECT_TEXT(format(problem(3, 0, "abc")), "p.toml:3: error: no\nabc");
    EXPECT_TEXT(format(problem(3, 2, "")), "p.toml:3:2: error: no");
    EXPECT_TEXT(format(problem(3, 1, "abc")), "p.toml:3:1: error: no\nabc\n^");
    EXPECT_TEXT(format(problem(3, 3, "abc")), "p.toml:3:3: error: no\nabc\n  ^");
    EXPECT_TEXT(format(problem(3, 4, "abc")), "p.toml:3:4: error: no\nabc\n   ^");
    EXPECT_TEXT(format(problem(3, 9, "abc")), "p.toml:3:9: error: no\nabc\n   ^");
    EXPECT_TEXT(format(problem(1, 3, "\t\tx = 1")), "p.toml:1:3: error: no\n  x = 1\n  ^");
    EXPECT_TEXT(format(problem(1, 3, "\x1Bzx")), "p.toml:1:3: error: no\n\\x1bzx\n     ^");
    EXPECT_TEXT(format(problem(1, 4, "\xC3\xBCzx")), "p.toml:1:4: error: no\n\xC3\xBCzx\n  ^");
    Problem warning = problem(1, 0, "");
    warning.severity = Problem::Severity::warning;
    warning.path = "a\nb";
    EXPECT_TEXT(format(warning), "a\\x0ab:1: warning: no");
}

SESSLIMIT_TEST(long_excerpt_cut_around_caret) {
    const std::string line = std::string(5000, 'a') + "B" + std::string(5000, 'c');
    const std::string text = format({Problem::Severity::error, "p", 1, 5001, "no", line});
    std::istringstream lines(text);
    std::string head;
    std::string excerpt;
    std::string caret;
    std::getline(lines, head);
    std::getline(lines, excerpt);
    std::getline(lines, caret);
    EXPECT(excerpt.size() < 200, excerpt);
    EXPECT(caret.back() == '^' && excerpt.at(caret.size() - 1) == 'B', text);
    EXPECT(excerpt.starts_with("...") && excerpt.ends_with("..."), excerpt);
}

SESSLIMIT_TEST(rule_value_and_problem_counts_bounded) {
    std::string rules = "version = 1\n";
    for (int i = 0; i < 1001; ++i) {
        rules += "[[rule]]\nname = \"r" + std::to_string(i) + "\"\nmatch.uid = " + std::to_string(i) +
                 "\nmax_sessions = 1\n";
    }
    const Loaded many = load_text(rules);
    EXPECT(many.problems.size() == 1 && many.problems[0].line == 4002, told(many.problems));
    rules.erase(rules.rfind("[[rule]]"));
    EXPECT(load_text(rules).policy.has_value(), "1000 rules");

    std::string list = "version = 1\n[[rule]]\nname = \"r\"\nmax_sessions = 1\nmatch.uid = [";
    for (int i = 0; i < 1000; ++i) {
        list += "7,";
    }
    EXPECT(load_text(list + "]\n").policy.has_value(), "1000 values");
    EXPECT(load_text(list + "7]\n").problems.size() == 1, "1001 values");

    std::string unknown = "version = 1\n";
    for (int i = 0; i < 2000; ++i) {
        unknown += "k" + std::to_string(i) + " = 1\n";
    }
    EXPECT(load_text(unknown).problems.size() == 501, "problems are bounded");
    for (int i = 0; i < 20000; ++i) {
        unknown += "l" + std::to_string(i) + " = 1\n";
    }
    EXPECT(load_text(unknown).problems.size() == 1, "values are bounded");
}

SESSLIMIT_TEST(hostile_texts_rejected_safely) {
    const std::string deep[] = {std::string(100000, '['),
                                std::string(100000, '{'),
                                "a = " + std::string(100000, '['),
                                "a = " + std::string(20000, '{'),
                                std::string(30000, '.'),
                                "\"",
                                "'''",
                                "\"\"\"",
                                "\xFF",
                                std::string("\0", 1),
                                "a = \"\\",
                                "version = 1\n[[rule]]\n[rule.match]\n[rule.match.user]\n"};
    for (const std::string& text : deep) {
        EXPECT(!load_text(text).problems.empty(), text.substr(0, 20));
    }
    // Changes each byte of a valid file: the loader must not crash and must not report a problem without a message.
    const std::string whole = content(corpus / "063-many-at-once.toml");
    for (std::size_t i = 0; i < whole.size(); ++i) {
        for (const char c : {'\0', '"', '[', '=', '.', '\n', '\xC3'}) {
            std::string changed = whole;
            changed[i] = c;
            for (const Problem& problem : load_text(changed).problems) {
                EXPECT(!problem.what.empty() && problem.what.find("toml::") == std::string::npos, problem.what);
            }
        }
    }
}

/// Returns the shipped policy with the "#" removed from every commented-out value. Those have no blank after the "#".
std::string uncommented(const std::string& text) {
    std::string result;
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line);) {
        const bool is_value = line.size() > 1 && line[0] == '#' && line[1] != ' ';
        result += line.substr(is_value ? 1 : 0) + '\n';
    }
    return result;
}

SESSLIMIT_TEST(shipped_policy_sets_no_limits) {
    const Loaded loaded = load_text(content(source_dir / "etc/policy.toml"));
    EXPECT_TEXT(told(loaded.problems), "");
    Login login;
    login.user = "alice";
    login.uid = 1001;
    login.service = "sshd";
    const Limits limits = resolve(*loaded.policy, login);
    EXPECT(limits.max_sessions.from == SourceId::nowhere && limits.max_sessions.value == unlimited_count, "count");
    EXPECT(limits.max_duration.value == unlimited_duration && limits.idle_timeout.value == unlimited_duration, "time");
    EXPECT(limits.idle_timeout_no_terminal.value == unlimited_duration, "idleness without a terminal");
    EXPECT(limits.warn_before.empty(), "warnings");
    EXPECT(loaded.policy->host.rules.size() == 1 && loaded.policy->host.rules[0].exempt, "exempts root");
}

SESSLIMIT_TEST(shipped_policy_valid_when_uncommented) {
    const Loaded loaded = load_text(uncommented(content(source_dir / "etc/policy.toml")));
    EXPECT_TEXT(told(loaded.problems), "");
    const Policy& policy = *loaded.policy;
    const Settings& defaults = policy.host.defaults;
    for_each_setting([](std::string_view key, const auto& setting) { EXPECT(setting.has_value(), key); }, defaults);
    EXPECT(policy.host.ignore_services && policy.host.ignore_services->value == shipped_ignore_services(),
           "the documented default list is the built-in one");
    EXPECT(policy.host.rules.size() == 2, "two rules");
    const Match& match = *policy.host.rules[1].match;
    EXPECT(!match.user.absent() && !match.uid.absent() && !match.group.absent() && !match.service.absent() &&
               !match.origin.absent() && !match.seat.absent() && !match.method.absent() && !match.credential.absent(),
           "every match key is explained");
    const Rule& rule = policy.host.rules[1];
    EXPECT(rule.max_sessions_total && rule.settings.message && rule.settings.mode && rule.settings.idle_activity &&
               rule.settings.on_idle && rule.settings.keep && rule.settings.announce && rule.settings.quiet &&
               rule.settings.idle_timeout_no_terminal && rule.settings.message_of_end,
           "every key of a rule is explained");
    Login root;
    root.user = "root";
    EXPECT(resolve(policy, root).max_sessions.value == unlimited_count, "root stays exempt");
}

/// A temporary directory, deleted with the object.
class Directory {
  public:
    Directory() {
        std::string pattern = (fs::temp_directory_path() / "sesslimit-load-XXXXXX").string();
        path = mkdtemp(pattern.data()) != nullptr ? pattern : "";
    }
    ~Directory() {
        std::error_code ignored;
        fs::remove_all(path, ignored);
    }
    Directory(const Directory&) = delete;
    Directory& operator=(const Directory&) = delete;
    void write(const std::string& name, std::string_view text) const {
        fs::create_directories((path / name).parent_path());
        std::ofstream(path / name, std::ios::binary) << text;
    }
    fs::path path;
};

SESSLIMIT_TEST(policy_files_read_in_documented_order) {
    std::string order;
    ReadTexts none;
    ReadTexts bad;
    {
        const Directory directory;
        none = read_texts(directory.path);
        for (const char* name :
             {"policy.d/b.toml", "policy.d/a.toml", "policy.d/.hidden.toml", "policy.d/c.toml~", "policy.toml",
              "managed.d/z.toml", "managed.d/Z.toml", "managed.d/10.toml", "other.toml"}) {
            directory.write(name, name);
        }
        for (const SourceText& text : read_texts(directory.path).texts) {
            const bool whole = text.path == (directory.path / text.text).native();
            order += (whole ? text.text : "?") + (text.tier == Tier::managed ? "(managed) " : "(host) ");
        }
        directory.write("policy.d/big.toml", std::string(1024 * 1024 + 1, '#'));
        directory.write("policy.d/max.toml", std::string(1024 * 1024, '#'));
        fs::create_directory(directory.path / "policy.d/directory.toml");
        fs::create_symlink("/nowhere/at/all", directory.path / "policy.d/link.toml");
        bad = read_texts(directory.path);
    }
    EXPECT(none.texts.empty() && none.problems.empty(), "nothing there");
    EXPECT_TEXT(order,
                "managed.d/10.toml(managed) managed.d/Z.toml(managed) managed.d/z.toml(managed) policy.toml(host) "
                "policy.d/a.toml(host) policy.d/b.toml(host) ");
    EXPECT(bad.texts.size() == 7, "the readable files are read anyway");
    EXPECT(bad.problems.size() == 3, told(bad.problems));
    EXPECT(bad.problems[0].path.ends_with("big.toml") && bad.problems[0].what.find("1 MiB") != std::string::npos,
           "big");
    EXPECT(bad.problems[1].what.find("regular") != std::string::npos, bad.problems[1].what);
    EXPECT(bad.problems[2].what.find("No such file") != std::string::npos, bad.problems[2].what);
    EXPECT(bad.problems[0].severity == Problem::Severity::error && bad.problems[0].line == 0, "errors without a line");
}

SESSLIMIT_TEST(changed_text_has_place_of_its_file) {
    std::vector<SourceText> texts{{"/e/managed.d/b.toml", Tier::managed, "m"},
                                  {"/e/policy.toml", Tier::host, "p"},
                                  {"/e/policy.d/a.toml", Tier::host, "a"},
                                  {"/e/policy.d/c.toml", Tier::host, "c"}};
    std::string order;
    for (const char* name : {"b", "a", "d", "0"}) {
        put_text(texts, {std::string("/e/policy.d/") + name + ".toml", Tier::host, std::string("new ") + name});
    }
    for (const SourceText& text : texts) {
        order += text.text + "; ";
    }
    EXPECT_TEXT(order, "m; p; new 0; new a; new b; c; new d; ");
    std::vector<SourceText> none;
    put_text(none, {"/e/policy.d/a.toml", Tier::host, "a"});
    EXPECT(none.size() == 1, "inserted");
}

SESSLIMIT_TEST(system_names_resolved_by_host) {
    SystemNames names;
    EXPECT(names.user("root") == uid_t{0} && names.group("root") == gid_t{0}, "root exists");
    EXPECT(!names.user("no-such-user-0x") && !names.group("no-such-group-0x"), "unknown names do not exist");
}

} // namespace
