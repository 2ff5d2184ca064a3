// SPDX-License-Identifier: MIT
#pragma once

#include <csetjmp>
#include <cstdarg>
#include <cstddef>
#include <cstdint>

// cmocka's header lacks extern "C" and needs the four headers above before it.
extern "C" {
#include <cmocka.h>
}
// This macro's name is also used by the standard library's streams and by common/result.hpp.
#undef fail

#include <unistd.h>

#include <exception>
#include <string>
#include <string_view>
#include <vector>

namespace sesslimit::test {

/// Runs a test body that may throw: an exception fails the test instead of terminating the whole binary. A failed
/// assert calls longjmp, so bodies do their work first and assert last.
inline void run(void** body) {
    std::string thrown;
    try {
        reinterpret_cast<void (*)()>(*body)();
    } catch (const std::exception& error) {
        thrown = error.what();
    } catch (...) {
        thrown = "an exception of unknown type";
    }
    if (!thrown.empty()) {
        print_error("exception: %s\n", thrown.c_str());
        _fail(__FILE__, __LINE__);
    }
}

/// The tests of the program. Tests of one file are in the order of their definitions.
inline std::vector<CMUnitTest>& all_tests() {
    static std::vector<CMUnitTest> tests;
    return tests;
}

/// A global object that adds a test to all_tests().
struct Registration {
    Registration(const char* name, void (*body)()) {
        all_tests().push_back({name, &run, nullptr, nullptr, reinterpret_cast<void*>(body)});
    }
};

/// Runs all tests of the program. Returns its exit status, which is not 0 if the program has no tests.
inline int run_all() {
    if (all_tests().empty()) {
        return 1;
    }
    return _cmocka_run_group_tests("tests", all_tests().data(), all_tests().size(), nullptr, nullptr);
}

/// Runs all tests of the program, or skips them if the caller is not root. `reason` states why they need root.
inline int run_all_as_root(const char* reason) {
    if (getuid() != 0) {
        print_message("skipped: %s\n", reason);
        return 77;
    }
    return run_all();
}

inline void expect_equal_at(std::string_view is, std::string_view should, const char* file, int line) {
    if (is != should) {
        print_error("is:     \"%.*s\"\nshould: \"%.*s\"\n", static_cast<int>(is.size()), is.data(),
                    static_cast<int>(should.size()), should.data());
        _fail(file, line);
    }
}

inline void expect_at(bool holds, const char* what, std::string_view about, const char* file, int line) {
    if (!holds) {
        print_error("failed: %s (%.*s)\n", what, static_cast<int>(about.size()), about.data());
        _fail(file, line);
    }
}

} // namespace sesslimit::test

/// Defines a test: SESSLIMIT_TEST(name) { body }. The default main() (test_main.cpp) runs all tests of the program.
#define SESSLIMIT_TEST(name)                                                                                           \
    void name();                                                                                                       \
    const sesslimit::test::Registration registration_of_##name(#name, &name);                                          \
    void name()

/// Checks that two texts are equal.
#define EXPECT_TEXT(is, should) sesslimit::test::expect_equal_at((is), (should), __FILE__, __LINE__)

/// Checks a condition. The second argument names the case of a table.
#define EXPECT(condition, about) sesslimit::test::expect_at((condition), #condition, (about), __FILE__, __LINE__)
