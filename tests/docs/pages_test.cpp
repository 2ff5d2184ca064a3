// SPDX-License-Identifier: MIT
#include "ctl/cli/arguments.hpp"
#include "ctl/output/settings.hpp"
#include "daemon/api/errors.hpp"
#include "daemon/api/service.hpp"
#include "daemon/messages/denial_throttle.hpp"
#include "daemon/messages/journal_entry.hpp"
#include "daemon/options.hpp"
#include "daemon/policy/read.hpp"
#ifdef SESSLIMIT_FLEET
#include "fleet/fleetd/config.hpp"
#include "fleet/fleetd/options.hpp"
#endif
#include "pam/answer.hpp"
#include "tests/docs/page.hpp"
#include "tests/unit/support/cmocka.hpp"
#include "tests/unit/support/core_world.hpp"

#include <CLI/CLI.hpp>
#include <security/pam_modules.h>

#include <algorithm>
#include <array>
#include <regex>
#include <set>

// Compares the manual pages, the journal's catalog and the completions with the program's own tables. Lists entries
// that are missing on either side.

using namespace sesslimit;
using namespace sesslimit::test;

namespace {

using Words = std::set<std::string>;

std::string listed(const Words& words) {
    std::string text;
    for (const std::string& word : words) {
        text += (text.empty() ? "" : "\n") + word;
    }
    return text;
}

Words heads(const std::vector<Item>& items) {
    Words words;
    for (const Item& item : items) {
        words.insert(item.head);
    }
    return words;
}

Words options_in(const std::vector<Item>& items) {
    Words options;
    for (const Item& item : items) {
        options.merge([&] {
            const auto words = words_that_begin(item.head, "--");
            return Words(words.begin(), words.end());
        }());
    }
    return options;
}

Words options_of(const CLI::App& app) {
    Words options;
    for (const CLI::Option* option : app.get_options()) {
        for (const std::string& name : option->get_lnames()) {
            options.insert("--" + name);
        }
    }
    return options;
}

std::vector<const CLI::App*> commands_of(const CLI::App& app) {
    std::vector<const CLI::App*> commands;
    for (const CLI::App* command : app.get_subcommands([](const CLI::App*) { return true; })) {
        if (!command->get_group().empty()) { // other commands are internal
            commands.push_back(command);
        }
    }
    return commands;
}

/// Returns the options of a command except --help.
Words own_options(const CLI::App& command) {
    Words options = options_of(command);
    options.erase("--help");
    return options;
}

std::string lower(std::string text) {
    std::ranges::transform(text, text.begin(),
                           [](unsigned char letter) { return static_cast<char>(std::tolower(letter)); });
    return text;
}

SESSLIMIT_TEST(mdoc_markup_rendered_as_displayed) {
    EXPECT_TEXT(rendered("Cm timeout Ns = Ns Ar span"), "timeout=<span>");
    EXPECT_TEXT(rendered("Fl h , Fl Fl help"), "-h, --help");
    EXPECT_TEXT(rendered("Cm list Op Fl Fl user Ar user"), "list [--user <user>]");
    EXPECT_TEXT(rendered("Xo Cm a Oo Fl Fl b Ar c Oc | Op Oo Fl Fl d Oc Ar e ... Xc"), "a [--b <c>] | [[--d] <e> ...]");
    const auto options = words_that_begin("a [--b <c>] | [[--d=<x>] <e> ...]", "--");
    EXPECT_TEXT(listed(Words(options.begin(), options.end())), "--b\n--d");
}

SESSLIMIT_TEST(pam_sesslimit_page_lists_every_argument) {
    Words written;
    for (const Item& item : Page::read("pam_sesslimit.8").items("ARGUMENTS")) {
        written.insert(item.head.substr(0, item.head.find('=') + (item.head.find('=') == std::string::npos ? 0 : 1)));
    }
    Words known;
    for (const pam::ArgumentForm& form : pam::argument_forms()) {
        known.insert(std::string(form.name) + (form.takes_value ? "=" : ""));
    }
    EXPECT_TEXT(listed(written), listed(known));
}

SESSLIMIT_TEST(pam_sesslimit_page_lists_every_failure_code_and_text) {
    const Page page = Page::read("pam_sesslimit.8");
    Words known;
    Words codes;
    bool texts = true;
    for (int at = 0; at <= static_cast<int>(pam::RequestOutcome::undecided); ++at) {
        for (const pam::OnError on_error : {pam::OnError::allow, pam::OnError::deny}) {
            const pam::Answer answer = pam::answer_to(static_cast<pam::RequestOutcome>(at), on_error, false);
            known.insert(answer.log);
            codes.insert(answer.code == PAM_SUCCESS       ? "PAM_SUCCESS"
                         : answer.code == PAM_PERM_DENIED ? "PAM_PERM_DENIED"
                                                          : "PAM_SESSION_ERR");
            texts = texts && (answer.text == nullptr || page.has_line(answer.text));
        }
    }
    EXPECT_TEXT(listed(heads(page.items("FAILURES"))), listed(known));
    EXPECT_TEXT(listed(heads(page.items("RETURN CODES"))), listed(codes));
    EXPECT(texts, "texts for the user");
}

#ifdef SESSLIMIT_FLEET
SESSLIMIT_TEST(fleet_pages_list_every_option_and_key) {
    fleet::Options options;
    CLI::App app;
    fleet::add_options(app, options);
    EXPECT_TEXT(listed(options_in(Page::read("sesslimit-fleetd.8").items("OPTIONS"))), listed(options_of(app)));
    const auto keys = fleet::config_keys();
    EXPECT_TEXT(listed(heads(Page::read("fleet.toml.5").items("KEYS"))), listed(Words(keys.begin(), keys.end())));
}
#endif

SESSLIMIT_TEST(sesslimitd_page_lists_every_option) {
    Options options;
    CLI::App app;
    add_options(app, options);
    EXPECT_TEXT(listed(options_in(Page::read("sesslimitd.8").items("OPTIONS"))), listed(options_of(app)));
}

/// Returns "ID event" of each journal message with an ID.
Words messages() {
    Words known{std::string(messages::policy_loaded_id) + " policy-loaded",
                std::string(messages::policy_rejected_id) + " policy-rejected",
                std::string(messages::fleet_repaired_id) + " fleet-repaired",
                std::string(messages::denials_repeated_id) + " denials-repeated"};
    for (const messages::EventInfo& meaning : messages::event_infos()) {
        known.insert(std::string(meaning.id) + " " + std::string(meaning.event));
    }
    return known;
}

/// Fields and reasons in journal entries about a session.
struct Journal {
    Words fields;
    Words reasons;
};

Journal journal() {
    Journal journal;
    for (const auto& [name, value] : messages::journal_entry(messages::SuppressedDenials{})) {
        if (name.starts_with("SESSLIMIT_")) {
            journal.fields.emplace(name);
        }
    }
    for (const messages::EventInfo& meaning : messages::event_infos()) {
        for (const auto cause :
             {core::Cause::limit_reached, core::Cause::duration, core::Cause::idle, core::Cause::leader_gone,
              core::Cause::displaced, core::Cause::requested, core::Cause::fleet_limit_reached,
              core::Cause::fleet_unavailable, core::Cause::logind_idle}) {
            core::Notice notice{.kind = meaning.kind, .session = session_in(core::Phase::active), .reason = {}};
            notice.reason.cause = cause;
            notice.note = "a message";
            notice.reason.limit =
                std::make_shared<const policy::Location>(policy::Location{.file = "policy.toml", .line = 1});
            notice.duration = std::chrono::hours(1);
            notice.session.longest_idle = core::WholeSeconds(1);
            notice.session.login.seat = "seat0";
            notice.session.login.credential = {.method = "publickey", .fingerprint = "SHA256:A"};
            for (const auto& [name, value] : messages::journal_entry(notice)) {
                if (name.starts_with("SESSLIMIT_")) {
                    journal.fields.emplace(name);
                }
                if (name == "SESSLIMIT_REASON") {
                    journal.reasons.insert(value);
                }
            }
        }
    }
    return journal;
}

/// Returns the names of the fields in the journal entries of `sesslimitctl set`.
Words fields_of_set() {
    policy::Node value;
    value.kind = policy::Node::Kind::boolean;
    ctl::SettingChange changed{.key = {"quiet"}, .before = value, .after = value, .effect = {}};
    changed.after->truth = true;
    ctl::SetReport report;
    report.rule = "r";
    report.changes = {changed};
    Words fields;
    for (const auto& entry : ctl::journal_entries(report, "alice", 1000)) {
        for (const auto& [name, text] : entry) {
            if (name.starts_with("SESSLIMIT_")) {
                fields.insert(name);
            }
        }
    }
    return fields;
}

SESSLIMIT_TEST(sesslimitctl_page_lists_every_field_of_its_entries) {
    const std::string text = read_source("man/sesslimitctl.1");
    Words missing;
    for (const std::string& field : fields_of_set()) {
        if (!std::regex_search(text, std::regex("\n\\.(It )?Ev [^\n]*\\b" + field + "\\b"))) {
            missing.insert(field);
        }
    }
    EXPECT_TEXT(listed(missing), "");
    EXPECT(text.find(std::string(".Li ") + ctl::policy_set_id) != text.npos, "message ID");
}

SESSLIMIT_TEST(sesslimitd_page_lists_every_message_field_and_reason) {
    const Page page = Page::read("sesslimitd.8");
    Words fields;
    std::string text;
    for (const Item& item : page.items("Fields")) {
        const auto words = words_that_begin(item.head, "SESSLIMIT_");
        fields.insert(words.begin(), words.end());
        text += item.text;
    }
    const Journal known = journal();
    EXPECT_TEXT(listed(heads(page.items("Messages"))), listed(messages()));
    EXPECT_TEXT(listed(fields), listed(known.fields));
    for (const std::string& reason : known.reasons) {
        EXPECT(text.find(".Ql " + reason) != std::string::npos, reason);
    }
}

SESSLIMIT_TEST(catalog_explains_every_message) {
    const std::string catalog = read_source("packaging/journal/sesslimit.catalog");
    Words fields = journal().fields;
    fields.merge(fields_of_set());
    Words ids;
    Words unknown;
    const std::regex entry("(?:^|\n)-- ([0-9a-f]{32})\nSubject: .+\nDefined-By: sesslimit\nDocumentation: .+\n\n\\S");
    for (auto at = std::sregex_iterator(catalog.begin(), catalog.end(), entry); at != std::sregex_iterator(); ++at) {
        ids.insert((*at)[1]);
    }
    const std::regex field("@([^@\n]*)@");
    for (auto at = std::sregex_iterator(catalog.begin(), catalog.end(), field); at != std::sregex_iterator(); ++at) {
        if (!fields.contains((*at)[1])) {
            unknown.insert((*at)[1]);
        }
    }
    Words known{ctl::policy_set_id};
    for (const std::string& message : messages()) {
        known.insert(message.substr(0, 32));
    }
    EXPECT_TEXT(listed(ids), listed(known));
    EXPECT_TEXT(listed(unknown), "");
}

SESSLIMIT_TEST(sesslimitctl_page_lists_every_command_and_option) {
    const Page page = Page::read("sesslimitctl.1");
    ctl::Arguments arguments;
    CLI::App app;
    ctl::add_command_line(app, arguments);
    Words known;
    Words of_fleet;
    for (const CLI::App* command : commands_of(app)) {
        known.insert(command->get_name() + ": " + listed(own_options(*command)));
        for (const CLI::App* action : commands_of(*command)) {
            of_fleet.insert(command->get_name() + " " + action->get_name() + ": " + listed(own_options(*action)));
        }
    }
    Words written;
    for (const Item& item : page.items("Commands")) {
        written.insert(item.head.substr(0, item.head.find(' ')) + ": " + listed(options_in({item})));
    }
    EXPECT_TEXT(listed(written), listed(known));
    written.clear();
    for (const Item& item : page.items("Commands of the fleet")) {
        const std::size_t second = item.head.find(' ', item.head.find(' ') + 1);
        written.insert(item.head.substr(0, second) + ": " + listed(options_in({item})));
    }
    EXPECT_TEXT(listed(written), listed(of_fleet));
    EXPECT_TEXT(listed(options_in(page.items("OPTIONS"))), listed(options_of(app)));
}

SESSLIMIT_TEST(sesslimitctl_page_lists_every_exit_status) {
    Words known;
    Words written;
    bool said = true;
    const auto items = Page::read("sesslimitctl.1").items("EXIT STATUS");
    for (const ctl::ExitMeaning& meaning : ctl::exit_meanings()) {
        const std::string number = std::to_string(static_cast<int>(meaning.exit));
        known.insert(number);
        const auto item = std::ranges::find(items, number, &Item::head);
        said = said && item != items.end() && lower(item->text).find(meaning.words) != std::string::npos;
    }
    for (const Item& item : items) {
        written.insert(item.head);
    }
    EXPECT_TEXT(listed(written), listed(known));
    EXPECT(said, "each with the text of the help");
}

SESSLIMIT_TEST(completions_offer_every_command_and_option) {
    ctl::Arguments arguments;
    CLI::App app;
    ctl::add_command_line(app, arguments);
    Words commands;
    Words options = options_of(app);
    for (const CLI::App* command : commands_of(app)) {
        commands.insert(command->get_name());
        options.merge(own_options(*command));
        for (const CLI::App* action : commands_of(*command)) {
            commands.insert(action->get_name());
            options.merge(own_options(*action));
        }
    }
    Words missing;
    for (const char* file : {"sesslimitctl.bash", "_sesslimitctl", "sesslimitctl.fish"}) {
        const std::string text = read_source(std::string("ctl/cli/completions/") + file);
        const auto has = [&text](const std::string& word) {
            return std::regex_search(text, std::regex("(^|[^-\\w])" + word + "($|[^-\\w])"));
        };
        const bool fish = text.starts_with("# SPDX-License-Identifier: MIT\n# fish");
        for (const std::string& command : commands) {
            if (!has(command)) {
                missing.insert(std::string(file) + ": " + command);
            }
        }
        for (const std::string& option : options) {
            if (!has(fish ? "-l " + option.substr(2) : option)) {
                missing.insert(std::string(file) + ": " + option);
            }
        }
    }
    EXPECT_TEXT(listed(missing), "");
}

/// Returns the text of org.sesslimit1(5) between two headings, for names in running text.
std::string part_of_interface(std::string_view from, std::string_view to) {
    const std::string text = read_source("man/org.sesslimit1.5");
    const std::size_t at = text.find(from);
    return text.substr(at, text.find(to) - at);
}

/// Formats a method as in its entry: "EndUser(s user, a{sv} options) -> as", without blanks between the result types.
/// The type of an argument is s, as or a{sv}.
std::string method(const sd_bus_vtable& member) {
    const auto text = [](const char* words) { return std::string(words == nullptr ? "" : words); };
    const std::string gives = text(member.x.method.result);
    std::string takes;
    const char* name = member.x.method.names; // names that end with NUL
    for (std::string types = text(member.x.method.signature); !types.empty();) {
        const std::string type = types.substr(0, types.starts_with("a{")  ? types.find('}') + 1
                                                 : types.starts_with('a') ? 2
                                                                          : 1);
        takes += (takes.empty() ? "" : ", ") + type + " " + name;
        types.erase(0, type.size());
        name += std::string_view(name).size() + 1;
    }
    return member.x.method.member + ("(" + takes) + ")" + (gives.empty() ? "" : " -> " + gives);
}

SESSLIMIT_TEST(org_sesslimit1_page_lists_every_member_and_error) {
    const Page page = Page::read("org.sesslimit1.5");
    Words methods;
    Words properties;
    Words signals;
    for (const sd_bus_vtable& member : api::Service::members()) {
        if (member.type == _SD_BUS_VTABLE_METHOD) {
            methods.insert(method(member));
        } else if (member.type == _SD_BUS_VTABLE_PROPERTY) {
            properties.insert(std::string(member.x.property.member) + " " + member.x.property.signature);
        } else if (member.type == _SD_BUS_VTABLE_SIGNAL) {
            signals.insert(member.x.signal.member);
        }
    }
    Words written;
    for (const std::string& head : heads(page.items("METHODS"))) {
        const std::size_t result = std::min(head.find("-> "), head.size());
        std::string types = head.substr(result);
        std::erase(types, ' ');
        written.insert(head.substr(0, result) + (types.empty() ? "" : "-> " + types.substr(2)));
    }
    EXPECT_TEXT(listed(written), listed(methods));
    EXPECT_TEXT(listed(heads(page.items("PROPERTIES"))), listed(properties));

    const std::string part = part_of_interface(".Sh SIGNALS", ".Sh ERROR NAMES");
    Words named;
    const std::regex name("\n\\.Li ([A-Z][a-z]+[A-Z][a-z]+)");
    for (auto at = std::sregex_iterator(part.begin(), part.end(), name); at != std::sregex_iterator(); ++at) {
        named.insert((*at)[1]);
    }
    EXPECT_TEXT(listed(named), listed(signals));

    Words errors = heads(page.items("ERROR NAMES"));
    std::erase_if(errors, [](const std::string& error) { return error.starts_with("org.freedesktop."); });
    EXPECT_TEXT(listed(errors), listed({api::error_no_such_session, api::error_no_such_user, api::error_policy_rejected,
                                        api::error_bad_argument, api::error_busy}));
}

SESSLIMIT_TEST(org_sesslimit1_page_lists_every_session_key) {
    core::Session session = session_in(core::Phase::ending);
    session.reason.cause = core::Cause::requested;
    Words known;
    const auto take = [&known](const api::Properties& properties) {
        for (const auto& [key, value] : properties) {
            known.insert(key + " " + std::array{"s", "t", "u", "b", "as"}.at(value.index()));
        }
    };
    take(api::properties(session, {}, {}, {}, api::Visibility::owner));
    take(api::termination_preview_properties({}, {}));
    const std::string part = part_of_interface(".Sh SESSIONS", ".Sh METHODS");
    Words written;
    const std::regex key("([A-Z][A-Za-z]+) (s|t|u|b|as)(?= [,.]|\n)");
    for (auto at = std::sregex_iterator(part.begin(), part.end(), key); at != std::sregex_iterator(); ++at) {
        written.insert((*at)[0]);
    }
    EXPECT_TEXT(listed(written), listed(known));
}

Words policy_keys() {
    Words keys;
    for (const auto table : {policy::setting_keys(), policy::own_keys_of_defaults(), policy::own_keys_of_rules()}) {
        keys.insert(table.begin(), table.end());
    }
    keys.erase("match"); // a table, listed by its keys
    for (const std::string_view key : policy::match_keys()) {
        keys.insert("match." + std::string(key));
    }
    return keys;
}

SESSLIMIT_TEST(policy_page_and_shipped_file_list_every_key) {
    const std::string page = read_source("man/sesslimit.toml.5");
    const std::string shipped = read_source("etc/policy.toml");
    Words missing;
    for (const std::string& key : policy_keys()) {
        const std::string name = std::regex_replace(key, std::regex("\\."), "\\.");
        if (!std::regex_search(page, std::regex("\n\\.It [^\n]*\\b" + name + "\\b"))) {
            missing.insert("sesslimit.toml(5): " + key);
        }
        if (!std::regex_search(shipped, std::regex("\n#?" + name + " *="))) {
            missing.insert("etc/policy.toml: " + key);
        }
    }
    EXPECT_TEXT(listed(missing), "");
}

} // namespace
