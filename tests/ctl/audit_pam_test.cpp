// SPDX-License-Identifier: MIT
#include "ctl/audit/pam.hpp"
#include "ctl/audit/placement.hpp"
#include "tests/ctl/fake_files.hpp"
#include "tests/unit/support/cmocka.hpp"

#include <algorithm>

using namespace sesslimit;
using namespace sesslimit::audit;
using namespace sesslimit::test;

namespace {

using Texts = std::map<std::string, std::string>;

constexpr char ours[] = "session [success=ok new_authtok_reqd=ok ignore=ignore module_unknown=ignore default=die] "
                        "pam_sesslimit.so\n";
constexpr char systemd[] = "-session optional pam_systemd.so\n";

Native native_of(Texts texts) {
    Texts files;
    for (auto& [name, text] : texts) {
        files[name.starts_with('/') ? name : "/etc/pam.d/" + name] = text;
    }
    FakeFiles fake(files);
    return read_native(fake);
}

std::string place(const Line& line) {
    return line.file.substr(line.file.rfind('/') + 1) + ":" + std::to_string(line.number);
}

/// Formats "pam_a.so required sshd:1; " for each module of a service.
std::string stack_of(const Texts& texts, const std::string& service) {
    std::string text;
    for (const PamStack& stack : native_of(texts).pam_stacks) {
        for (const PamModule& module : stack.modules) {
            text += stack.service != service ? ""
                                             : module.name + std::string(module.substacks.size(), '\'') + " " +
                                                   module.control + " " + place(module.at) + "; ";
        }
    }
    return text;
}

SESSLIMIT_TEST(pam_lines_parsed_as_by_libpam) {
    struct Case {
        const char* text;
        const char* stack;
    };
    constexpr Case cases[] = {
        {"", ""},
        {"session required pam_a.so arg\n", "pam_a.so required sshd:1; "},
        {"SESSION\tREQUIRED\tpam_a.so", "pam_a.so REQUIRED sshd:1; "},
        {"-session optional pam_a.so", "pam_a.so optional sshd:1; "},
        {"#session required pam_a.so\n session required pam_b.so # c", "pam_b.so required sshd:2; "},
        {"session required #pam_a.so", ""},
        {"session [a=ok  default=die] /lib/security/pam_a.so x", "pam_a.so a=ok  default=die sshd:1; "},
        {"session [a\\]b] pam_a.so", "pam_a.so a]b sshd:1; "},
        {"session [a=ok", ""},
        {"session required \\\n  pam_a.so \\\n arg\nsession required pam_b.so",
         "pam_a.so required sshd:1; pam_b.so required sshd:4; "},
        {"session required pam_a.so \\", "pam_a.so required sshd:1; "},
        {"auth required pam_a.so\naccount required pam_b.so", ""},
        {"session required", ""},
    };
    for (const Case& one : cases) {
        EXPECT_TEXT(stack_of({{"sshd", one.text}}, "sshd"), one.stack);
    }
}

SESSLIMIT_TEST(includes_expanded_in_place) {
    const Texts more{{"common", "auth required pam_c0.so\nsession required pam_c.so\n"},
                     {"deep", "session substack common\nsession include common\n"},
                     {"/opt/pam", "session required pam_opt.so\n"}};
    struct Case {
        const char* text;
        const char* stack;
    };
    constexpr Case cases[] = {
        {"session required pam_a.so\n@include common\nsession required pam_b.so\n",
         "pam_a.so required sshd:1; pam_c.so required common:2; pam_b.so required sshd:3; "},
        {"session include common\n", "pam_c.so required common:2; "},
        {"auth include common\naccount substack common\n", ""},
        {"session substack common\nsession required pam_b.so\n",
         "pam_c.so' required common:2; pam_b.so required sshd:2; "},
        {"session substack deep\n", "pam_c.so'' required common:2; pam_c.so' required common:2; "},
        {"@include /opt/pam\nsession include /etc/pam.d/common\n",
         "pam_opt.so required pam:1; pam_c.so required common:2; "},
        {"@include none\nsession include no*\nsession include\n", ""},
    };
    for (const Case& one : cases) {
        Texts texts = more;
        texts["sshd"] = one.text;
        EXPECT_TEXT(stack_of(texts, "sshd"), one.stack);
    }
}

SESSLIMIT_TEST(recursive_includes_bounded) {
    const auto modules = [](const std::string& text) {
        return native_of({{"sshd", text}}).pam_stacks.at(0).modules.size();
    };
    EXPECT(modules("session required pam_a.so\n@include sshd\n") <= 17, "16 files deep");
    EXPECT(modules("session required pam_a.so\n@include sshd\n@include sshd\n") <= 256, "256 files in total");
}

SESSLIMIT_TEST(backup_files_not_treated_as_services) {
    std::string services;
    for (const PamStack& stack : native_of({{"sshd", ours},
                                            {"sshd~", ours},
                                            {"sshd.dpkg-old", ours},
                                            {"sshd.rpmsave", ours},
                                            {"common.pam-old", ours},
                                            {"my.service", ours}})
                                     .pam_stacks) {
        services += stack.service + " ";
    }
    EXPECT_TEXT(services, "my.service sshd ");
}

SESSLIMIT_TEST(control_determines_effect_of_denial) {
    struct Case {
        const char* control;
        Denial denial;
    };
    constexpr Case cases[] = {
        {"requisite", Denial::ends},
        {"Requisite", Denial::ends},
        {"required", Denial::fails},
        {"optional", Denial::ignored},
        {"sufficient", Denial::ignored},
        {"success=ok default=die", Denial::ends},
        {"success=ok perm_denied=die default=ignore", Denial::ends},
        {"success=ok perm_denied=ignore default=die", Denial::ignored},
        {"default=bad", Denial::fails},
        {"success=ok", Denial::fails},
        {"default=ignore", Denial::ignored},
        {"default=1", Denial::ignored},
        {"", Denial::fails},
    };
    for (const Case& one : cases) {
        EXPECT(denial_by(one.control) == one.denial, one.control);
    }
}

/// Formats the warnings in short form, with their lines.
std::string warned(const Texts& texts) {
    std::string text;
    for (const Warning& warning : warnings_about_placement(native_of(texts).pam_stacks)) {
        const auto has = [&](const char* part) { return warning.what.find(part) != std::string::npos; };
        text += has("is missing")    ? "missing"
                : has("comes after") ? "after"
                : has("ignores")     ? "ignored"
                : has("a substack")  ? "substack"
                : has("PAM runs")    ? "continues"
                                     : "?";
        const std::size_t at = warning.what.find(" stack of ") + 10;
        text += " [" + warning.what.substr(at, warning.what.find_first_of(",.", at) - at) + "]";
        for (const Line& line : warning.at) {
            text += " " + place(line);
        }
        text += "; ";
    }
    return text;
}

SESSLIMIT_TEST(case_B04_misplaced_module_causes_warning) {
    const std::string line = ours;
    const std::string logind = systemd;
    const auto with = [](const std::string& control) { return "session " + control + " pam_sesslimit.so\n"; };
    struct Case {
        const char* about;
        Texts files;
        const char* warned;
    };
    const Case cases[] = {
        {"as in the package", {{"sshd", line + logind}}, ""},
        {"requisite", {{"sshd", with("requisite") + logind}}, ""},
        {"without pam_systemd",
         {{"cron", line}, {"login", line}, {"sshd", with("required")}},
         "missing [login] login:1; missing [sshd] sshd:1; "},
        {"without our module", {{"sshd", logind}}, ""},
        {"after pam_systemd", {{"sshd", logind + line}}, "after [sshd] sshd:2 sshd:1; "},
        {"after pam_systemd and optional", {{"sshd", logind + with("optional")}}, "after [sshd] sshd:2 sshd:1; "},
        {"optional", {{"sshd", with("optional") + logind}}, "ignored [sshd] sshd:1 sshd:2; "},
        {"optional without pam_systemd", {{"sshd", with("optional")}}, "ignored [sshd] sshd:1; "},
        {"sufficient", {{"sshd", with("sufficient") + logind}}, "ignored [sshd] sshd:1 sshd:2; "},
        {"required", {{"sshd", with("required") + logind}}, "continues [sshd] sshd:1 sshd:2; "},
        {"without a default", {{"sshd", with("[success=ok]") + logind}}, "continues [sshd] sshd:1 sshd:2; "},
        {"after pam_systemd through an include",
         {{"a", logind}, {"sshd", "@include a\n" + line}},
         "after [sshd] sshd:2 a:1; "},
        {"both through an include",
         {{"a", logind + line}, {"sshd", "@include a\n"}, {"login", "session include a\n"}},
         "after [a] a:2 a:1; "},
        {"in a substack without pam_systemd",
         {{"a", line}, {"sshd", "session substack a\n" + logind}},
         "substack [sshd] a:1 sshd:2; "},
        {"in a substack with pam_systemd", {{"a", line + logind}, {"sshd", "session substack a\n"}}, ""},
        {"in a substack whose nested substack contains pam_systemd",
         {{"a", line + "session substack b\n"}, {"b", logind}, {"sshd", "session substack a\n"}},
         ""},
        {"before and after pam_systemd", {{"sshd", line + logind + line}}, ""},
    };
    for (const Case& one : cases) {
        EXPECT_TEXT(std::string(one.about) + ": " + warned(one.files), std::string(one.about) + ": " + one.warned);
    }
}

SESSLIMIT_TEST(case_B04_warning_lists_services_lines_and_remedy) {
    Texts texts{{"common", std::string(systemd) + ours}};
    for (const char* service : {"cron", "gdm", "login", "su", "sshd"}) {
        texts[service] = "@include common\n";
    }
    FakeFiles files;
    for (const auto& [name, text] : texts) {
        files.texts["/etc/pam.d/" + name] = text;
    }
    const auto warnings = judge(read_native(files), policy::Policy(), Profile::pci).warnings;
    const auto at = std::ranges::find_if(
        warnings, [](const Warning& one) { return one.what.find("pam_systemd") != std::string::npos; });
    EXPECT(at != warnings.end(), "the warning is in the report");
    EXPECT_TEXT(at->what,
                "pam_sesslimit.so comes after pam_systemd.so in the session stack of common, cron, gdm, login "
                "and 2 more. A denied login has therefore already opened a logind session and started a user manager. "
                "Move the line of pam_sesslimit.so before the line of pam_systemd.so.");
    EXPECT_TEXT(place(at->at.at(0)) + " " + place(at->at.at(1)), "common:2 common:1");
    const auto required = warnings_about_placement(
        native_of({{"sshd", "session required pam_sesslimit.so\n" + std::string(systemd)}}).pam_stacks);
    EXPECT_TEXT(required.at(0).what,
                "PAM runs pam_systemd.so although pam_sesslimit.so has denied the login in the session stack of sshd. "
                "Replace the control field of the line of pam_sesslimit.so with "
                "[success=ok new_authtok_reqd=ok ignore=ignore module_unknown=ignore default=die].");
}

} // namespace
