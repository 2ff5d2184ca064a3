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

#include <exception>
#include <string>
#include <string_view>

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

/// Defines a cmocka test of a plain `void body()`.
#define SESSLIMIT_TEST(body)                                                                                           \
    CMUnitTest {                                                                                                       \
        #body, &sesslimit::test::run, nullptr, nullptr, reinterpret_cast<void*>(&body)                                 \
    }

/// Checks that two texts are equal.
#define EXPECT_TEXT(is, should) sesslimit::test::expect_equal_at((is), (should), __FILE__, __LINE__)

/// Checks a condition. The second argument names the case of a table.
#define EXPECT(condition, about) sesslimit::test::expect_at((condition), #condition, (about), __FILE__, __LINE__)
