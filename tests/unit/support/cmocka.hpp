// SPDX-License-Identifier: MIT
#pragma once

#include <csetjmp>
#include <cstdarg>
#include <cstddef>
#include <cstdint>

// cmocka's header has no extern "C" of its own and wants the four above before it.
extern "C" {
#include <cmocka.h>
}
// A macro of a name that the standard library's streams and our own common/result.hpp have.
#undef fail

#include <exception>
#include <string>
#include <string_view>

namespace sesslimit::test {

/// A test body that may throw: an exception fails the test instead of ending the whole binary.
/// A failed assert longjmps, so bodies do their work first and assert last.
template <void (*Body)()>
void run(void**) {
    std::string thrown;
    try {
        Body();
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
        print_error("does not hold: %s (%.*s)\n", what, static_cast<int>(about.size()), about.data());
        _fail(file, line);
    }
}

} // namespace sesslimit::test

/// A cmocka test of a plain `void body()`.
#define SESSLIMIT_TEST(body)                                                                                           \
    CMUnitTest {                                                                                                       \
        #body, &sesslimit::test::run<body>, nullptr, nullptr, nullptr                                                  \
    }

/// Two texts are the same.
#define EXPECT_TEXT(is, should) sesslimit::test::expect_equal_at((is), (should), __FILE__, __LINE__)

/// A condition holds; the second argument names the case of a table.
#define EXPECT(condition, about) sesslimit::test::expect_at((condition), #condition, (about), __FILE__, __LINE__)
