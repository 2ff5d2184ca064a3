// SPDX-License-Identifier: MIT
#include "daemon/api/message.hpp"

#include "common/text.hpp"
#include "common/user_ref.hpp"

#include <cerrno>
#include <cstring>
#include <map>

namespace sesslimit::api {
namespace {

constexpr std::size_t max_groups = 32;

/// Appends an entry of a dictionary, whose value `append_value` appends. The entries of a signal are most of the work
/// for a login. This function needs less of it than sd_bus_message_append(), which parses the types of each entry.
template <class Append>
int append_entry(sd_bus_message* m, const char* name, const char* type, Append append_value) {
    int code = sd_bus_message_open_container(m, 'e', "sv");
    code = code < 0 ? code : sd_bus_message_append_basic(m, 's', name);
    code = code < 0 ? code : sd_bus_message_open_container(m, 'v', type);
    code = code < 0 ? code : append_value();
    code = code < 0 ? code : sd_bus_message_close_container(m);
    return code < 0 ? code : sd_bus_message_close_container(m);
}

int append_property(sd_bus_message* m, const std::string& name, const Value& value) {
    struct Visitor {
        sd_bus_message* m;
        const char* name;
        int operator()(const std::string& text) const {
            return append_entry(m, name, "s", [&] { return sd_bus_message_append_basic(m, 's', text.c_str()); });
        }
        int operator()(std::uint64_t number) const {
            return append_entry(m, name, "t", [&] { return sd_bus_message_append_basic(m, 't', &number); });
        }
        int operator()(std::uint32_t number) const {
            return append_entry(m, name, "u", [&] { return sd_bus_message_append_basic(m, 'u', &number); });
        }
        int operator()(bool truth) const {
            const int number = truth ? 1 : 0;
            return append_entry(m, name, "b", [&] { return sd_bus_message_append_basic(m, 'b', &number); });
        }
        int operator()(const std::vector<std::string>& texts) const {
            return append_entry(m, name, "as", [&] { return append(m, texts); });
        }
    };
    return std::visit(Visitor{m, name.c_str()}, value);
}

const char* tier_of(const policy::Source* source) {
    if (source == nullptr) {
        return "";
    }
    return source->tier == policy::Tier::managed ? "managed" : "host";
}

int append_setting(sd_bus_message* m, const policy::ExplainedSetting& setting) {
    const std::string rule = setting.from == nullptr ? "" : as_utf8(setting.from->rule);
    const std::string file = setting.from == nullptr ? "" : as_utf8(setting.from->file);
    return sd_bus_message_append(m, "(sssssu)", setting.name.c_str(), setting.value.c_str(), tier_of(setting.from),
                                 rule.c_str(), file.c_str(), setting.line);
}

int append_rule(sd_bus_message* m, const policy::MatchedRule& rule) {
    return sd_bus_message_append(m, "(ssssub)", tier_of(rule.rule), as_utf8(rule.rule->rule).c_str(),
                                 as_utf8(rule.rule->file).c_str(), rule.sets.c_str(), rule.rule->line,
                                 static_cast<int>(rule.wins));
}

template <class T, class Append>
int append_array(sd_bus_message* m, const char* type, const std::vector<T>& values, Append append_one) {
    int code = sd_bus_message_open_container(m, 'a', type);
    for (const T& value : values) {
        code = code < 0 ? code : append_one(m, value);
    }
    return code < 0 ? code : sd_bus_message_close_container(m);
}

int read_groups(sd_bus_message* m, std::vector<std::string>& groups) {
    int code = sd_bus_message_enter_container(m, 'v', "as");
    code = code < 0 ? code : read_texts(m, max_groups, groups);
    return code < 0 ? code : sd_bus_message_exit_container(m);
}

int read_uid(sd_bus_message* m, std::optional<uid_t>& uid) {
    std::uint32_t number = 0;
    const int code = sd_bus_message_read(m, "v", "u", &number);
    if (code >= 0) {
        uid = number;
    }
    return code;
}

int read_variant_text(sd_bus_message* m, std::string& out) {
    const char* text = nullptr;
    const int code = sd_bus_message_read(m, "v", "s", &text);
    if (code < 0) {
        return code;
    }
    if (std::strlen(text) > max_argument_length) {
        return -E2BIG;
    }
    out = text;
    return code;
}

int read_key(sd_bus_message* m, const std::string& key, ExplainQuery& question) {
    Login& login = question.login;
    const std::map<std::string, std::string*> texts{
        {"User", &login.user},    {"Service", &login.service},
        {"Origin", &login.rhost}, {"Method", &login.credential.method},
        {"Seat", &login.seat},    {"Credential", &login.credential.fingerprint}};
    if (const auto at = texts.find(key); at != texts.end()) {
        return read_variant_text(m, *at->second);
    }
    if (key == "Uid") {
        return read_uid(m, question.uid);
    }
    return key == "Groups" ? read_groups(m, question.groups) : -ENOTSUP;
}

/// Converts a user of the form "uid:1001" in the property User of a login to the field `uid`. Errors: -EINVAL, with a
/// description in `problem`, if the user is missing or invalid, or if the properties User and Uid specify different
/// user IDs.
int settle_user(ExplainQuery& question, std::string& problem) {
    const std::string user = question.login.user;
    const auto ref = parse_user_ref(user);
    if (user.empty()) {
        problem = "The property User is missing";
    } else if (!ref) {
        problem = user_ref_problem(user);
    } else if (ref->uid && question.uid && *ref->uid != *question.uid) {
        problem = "The properties User and Uid specify different user IDs";
    } else {
        question.uid = ref->uid ? ref->uid : question.uid;
        question.login.user = ref->name;
        return 0;
    }
    return -EINVAL;
}

} // namespace

int append(sd_bus_message* m, const Properties& properties) {
    return append_array(m, "{sv}", properties, [](sd_bus_message* to, const auto& property) {
        return append_property(to, property.first, property.second);
    });
}

int append(sd_bus_message* m, const std::vector<policy::ExplainedSetting>& settings) {
    return append_array(m, "(sssssu)", settings, append_setting);
}

int append(sd_bus_message* m, const policy::Explanation& explanation, const std::string& outcome) {
    int code = sd_bus_message_append(m, "bs", static_cast<int>(explanation.counts), explanation.why.c_str());
    code = code < 0 ? code : append(m, explanation.settings);
    code = code < 0 ? code : append_array(m, "(ssssub)", explanation.rules, append_rule);
    return code < 0 ? code : sd_bus_message_append(m, "s", outcome.c_str());
}

int append(sd_bus_message* m, const std::vector<std::string>& texts) {
    int code = sd_bus_message_open_container(m, 'a', "s");
    for (const std::string& text : texts) {
        code = code < 0 ? code : sd_bus_message_append_basic(m, 's', text.c_str());
    }
    return code < 0 ? code : sd_bus_message_close_container(m);
}

int read_text(sd_bus_message* m, std::string& out) {
    const char* text = nullptr;
    const int code = sd_bus_message_read(m, "s", &text);
    if (code < 0) {
        return code;
    }
    const std::size_t size = std::strlen(text);
    if (size == 0) {
        return -EINVAL;
    }
    if (size > max_argument_length) {
        return -E2BIG;
    }
    out = text;
    return 0;
}

int read_texts(sd_bus_message* m, std::size_t most, std::vector<std::string>& out) {
    int code = sd_bus_message_enter_container(m, 'a', "s");
    if (code == 0) {
        return -EINVAL; // the message has no further value
    }
    const char* text = nullptr;
    while (code >= 0 && (code = sd_bus_message_read(m, "s", &text)) > 0) {
        if (out.size() == most || std::strlen(text) > max_argument_length) {
            return -E2BIG;
        }
        out.emplace_back(text);
    }
    return code < 0 ? code : sd_bus_message_exit_container(m);
}

/// Returns the end of an error message about a property of a login, for an error of read_key().
const char* problem_of_key(int code) {
    switch (code) {
    case -ENOTSUP:
        return " is not a known property of a login";
    case -E2BIG:
        return " is too long";
    default:
        return " has the wrong type";
    }
}

int read_explain_query(sd_bus_message* m, ExplainQuery& question, std::string& problem) {
    question.login.service = "sshd";
    int code = sd_bus_message_enter_container(m, 'a', "{sv}");
    while (code >= 0 && (code = sd_bus_message_enter_container(m, 'e', "sv")) > 0) {
        const char* key = nullptr;
        if (code = sd_bus_message_read(m, "s", &key); code < 0) {
            break;
        }
        if (code = read_key(m, key, question); code < 0) {
            problem = escape_for_display(key, 64) + problem_of_key(code);
            return code;
        }
        code = sd_bus_message_exit_container(m);
    }
    return code < 0 ? code : settle_user(question, problem);
}

} // namespace sesslimit::api
