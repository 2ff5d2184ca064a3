// SPDX-License-Identifier: MIT
#pragma once

#include "daemon/core/deadline.hpp"
#include "daemon/core/decide.hpp"
#include "daemon/policy/resolve.hpp"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

/// Context of one call of the core function decide(), and the functions that implement decide(). Only source files of
/// the core include this header.
namespace sesslimit::core {

/// Inputs of the decision about one event, and the decision under construction. A function that receives the context
/// adds at most one record for each session.
struct DecisionContext {
    const policy::Policy& policy;
    const State& state;
    BootTime now;
    Decision out{};

    [[nodiscard]] policy::Limits limits(const Session& session) const { return resolve(policy, session.login); }

    /// Returns how long before the expiry of a limit the user of an open session is warned, longest time first. These
    /// times are the values of the setting warn_before, or Timeouts::grace_period if warn_before is empty and the
    /// session is in its grace period. The list is empty in observe mode.
    [[nodiscard]] std::vector<Duration> warnings(const Session& session, const policy::Limits& limits) const {
        if (limits.mode.value == policy::Mode::observe) {
            return {};
        }
        const bool retroactive = limits.warn_before.empty() && now < session.grace_until;
        return retroactive ? std::vector{Timeouts::grace_period} : limits.warn_before;
    }

    /// Returns true if the expiry of the limit `cause` locks the screen of the session instead of terminating the
    /// session.
    [[nodiscard]] static bool locks(const Session& session, const policy::Limits& limits, Cause cause) {
        return cause == Cause::idle && session.graphical && session.phase == Phase::active &&
               limits.on_idle.value == policy::OnIdle::lock;
    }

    /// Returns the line of the policy that sets a limit.
    template <class T>
    [[nodiscard]] std::shared_ptr<const policy::Location> location_of(const policy::Setting<T>& setting) const {
        return location_of(setting.from, setting.line);
    }
    [[nodiscard]] std::shared_ptr<const policy::Location> location_of(policy::SourceId from, std::uint32_t line) const {
        return std::make_shared<const policy::Location>(policy::location_of(policy, from, line));
    }

    /// Returns the reason of a denial because max_sessions is reached.
    [[nodiscard]] Reason own_limit(const policy::Limits& limits) const {
        return {.cause = Cause::limit_reached,
                .count = limits.max_sessions.value,
                .span = {},
                .by = {},
                .limit = location_of(limits.max_sessions)};
    }

    /// Returns the reason of a denial because max_sessions_fleet is reached, or because the fleet does not answer.
    [[nodiscard]] Reason fleet_limit(const policy::Limits& limits, Cause cause = Cause::fleet_limit_reached) const {
        return {.cause = cause,
                .count = limits.max_sessions_fleet.value,
                .span = {},
                .by = {},
                .limit = location_of(limits.max_sessions_fleet)};
    }

    /// Stores in a session the list of policy rules whose shared limit (max_sessions_total) counts the session, its
    /// limit in the fleet, and whether the session is counted after a logout (count_left_behind).
    static void count_in(Session& session, const policy::Limits& limits) {
        set_fleet_limit(session, limits);
        session.counts_left_behind = !session.kept && limits.count_left_behind.value == policy::CountLeftBehind::yes;
        session.shared_limits.clear();
        if (session.kept) {
            return;
        }
        for (const policy::SharedLimit& total : limits.shared_limits) {
            session.shared_limits.push_back(total.rule);
        }
    }

    /// Stores in a session the number of sessions that its user may have in the fleet. Sessions of uid 0 do not claim
    /// slots. If groups of the user are not known, an earlier limit stays in effect, because a rule may match a group.
    /// The limit of a claim stays in effect until it is answered.
    static void set_fleet_limit(Session& session, const policy::Limits& limits) {
        const policy::Count limit = limits.max_sessions_fleet.value;
        const bool is_asked = session.fleet_claim == FleetClaim::asked && session.fleet_limit != 0;
        if (session.login.uid == 0 || session.kept) {
            session.fleet_limit = 0;
        } else if (is_asked && limit != policy::unlimited_count) {
            return;
        } else if (limit != policy::unlimited_count || !session.login.gids_cut) {
            session.fleet_limit =
                limit == policy::unlimited_count ? std::uint16_t{0} : static_cast<std::uint16_t>(limit);
        }
    }

    /// Determines again which limits count a session that is terminated or closed. A session that was logged out is not
    /// counted if the policy does not count its login.
    void recount(Session& session) const {
        count_in(session, limits(session));
        if (session.logged_out != BootTime{} && !policy::counts(policy, session.login)) {
            session.counts_left_behind = false;
            session.shared_limits.clear();
        }
    }

    void put(const Session& session) { out.records.emplace_back(Put{session}); }

    /// Returns true if the decision has a record of the session. Takes O(n) time for n records.
    [[nodiscard]] bool has_record(SessionKey key) const {
        return std::ranges::any_of(out.records, [key](const Record& record) {
            const auto* put = std::get_if<Put>(&record);
            const auto* drop = std::get_if<Drop>(&record);
            return (put != nullptr && put->session.key == key) || (drop != nullptr && drop->session == key);
        });
    }

    void answer(RequestId request, Answer::Kind kind, const Session& session = {}) {
        out.answers.push_back({request, kind, session});
    }
    /// Answers the PAM module that a login is admitted. The PAM module announces the limits of the session to the user
    /// only if the setting `announce` is yes, the setting `quiet` is no, and the limits are enforced.
    void admit(RequestId request, const Session& session, const policy::Limits& limits) {
        const bool meant = limits.mode.value == policy::Mode::enforce && limits.quiet.value == policy::Quiet::no;
        const bool announced = meant && limits.announce.value == policy::Announce::yes;
        out.answers.push_back({.request = request,
                               .kind = Answer::Kind::admitted,
                               .session = session,
                               .announce = announced ? std::optional(limits.idle_activity.value) : std::nullopt});
    }
    /// Answers the PAM module that a login is denied. The user reads the reason in `session`, in the words of the
    /// template `message`, unless the setting `quiet` is yes.
    void deny(RequestId request, const Session& session, const policy::Limits& limits, std::string message = {}) {
        out.answers.push_back({.request = request,
                               .kind = Answer::Kind::denied,
                               .session = session,
                               .message = std::move(message),
                               .quiet = limits.quiet.value == policy::Quiet::yes});
    }
    void notify(Notice::Kind kind, const Session& session, const Reason& reason = {}, Duration left = {}) {
        Notice notice{kind, session, reason, left};
        if (kind == Notice::Kind::ended || kind == Notice::Kind::released) {
            notice.duration = now - session.opened;
        }
        out.effects.emplace_back(std::move(notice));
    }

    /// Offers the reason of an earlier termination or denial to the user of a session that has just become active. The
    /// daemon does not write to a session without enforced limits, or with the setting `quiet`.
    void offer_missed_reason(const Session& session) {
        const policy::Limits applied = limits(session);
        if (!session.graphical && !policy::is_unlimited(applied) && applied.mode.value == policy::Mode::enforce &&
            applied.quiet.value == policy::Quiet::no) {
            out.effects.emplace_back(OfferMissedReason{session.key});
        }
    }

    /// Requests an activity probe of a session after its last activity becomes relevant, or after the wall clock was
    /// set. Later probes are compared with the values of this probe. Does nothing if no idle limit applies and at_limit
    /// does not depend on activity.
    void request_first_probe(const Session& session) {
        if (is_probed(session) &&
            (idle_limit(session) != unlimited_duration || policy::displaces_by_activity(limits(session)))) {
            out.effects.emplace_back(ProbeActivity{session.key});
        }
    }
};

/// Maximum number of a user's sessions that are inspected or notified because of one login at the limit.
inline constexpr std::size_t max_other_sessions = 100;

// admission.cpp
void on_open_requested(DecisionContext& context, const OpenRequested& event);

/// Admits a login after its limits have been checked. Answers the request `request` of the PAM module, and copies the
/// limits of the policy to the session.
void admit(DecisionContext& context, Session session, RequestId request);

/// Moves a login to phase waiting. The answer is due Timeouts::slot_wait after the login began to wait.
void begin_waiting(const DecisionContext& context, Session& session, RequestId request);

/// Asks the PAM module to wait longer if its budget ends before the deadline of the answer. For a login that waits for
/// a session slot, this includes the time for a later claim of a slot in the fleet, because the module is asked only
/// once.
void request_more_time(DecisionContext& context, const Session& session, Duration budget);

/// Denies a login. The session of the process of the login is tracked, and terminated later, if the PAM stack continues
/// after the denial. A login on a console or display is tracked for some seconds, and one by ssh until its process
/// exits.
void deny(DecisionContext& context, Session session, RequestId request, const Reason& reason);

/// Returns the reason to deny a login: max_sessions of its user, or the shared limit of a policy rule
/// (max_sessions_total) if only that one is reached.
Reason denial_reason(const DecisionContext& context, const Session& session);

/// Calls admit_or_ask() if no limit of this host is reached, or if the limits that apply to the login are only observed
/// (mode = "observe"). Otherwise returns false.
bool admit_if_below_limit(DecisionContext& context, const Session& session, RequestId request,
                          const policy::Limits& limits, Duration budget);

/// Handles a login at the limit. Checks first whether clients of the user's ssh sessions are dead, and then denies the
/// login or lets it wait, as the policy requires. `budget` is the time for which the PAM module waits.
void handle_limit(DecisionContext& context, Session session, RequestId request, Duration budget);

/// Denies a login at the limit, or lets it wait until a session of its user is displaced, as the policy requires.
/// `reason` is the limit that is reached.
void apply_at_limit(DecisionContext& context, const Session& session, RequestId request, const Reason& reason,
                    Duration budget);

// at_limit.cpp
/// Continues with a login that waits for the state of its user's ssh connections.
void on_connections_checked(DecisionContext& context, const ConnectionsChecked& event);

/// Returns true if an open session may be terminated in favor of a newer login of its user. A limit must apply to the
/// session, and must be enforced instead of only observed. Returns false while the daemon waits for logind's answer
/// whether the session was logged out.
bool can_be_displaced(const DecisionContext& context, const Session& session);

/// Returns the user's ssh sessions that may be terminated if their clients are dead.
std::vector<SessionKey> displaceable_connections(const DecisionContext& context, const Session& newcomer);

/// Applies the limit on the rate of displacements to a login. Returns true if the login must not displace sessions of
/// its user, and prolongs that limit in this case.
bool apply_displacement_rate(DecisionContext& context, const Login& login);

/// Lets a login wait until sessions of its user are displaced. Requests activity probes of these sessions.
void wait(DecisionContext& context, Session session, RequestId request, Duration budget);

/// Decides again about a login that waits until its user has a free session slot. The login is admitted or denied, or
/// older sessions of its user are terminated to free a slot.
void continue_waiting(DecisionContext& context, Session session);

// fleet.cpp
void on_claim_answered(DecisionContext& context, const ClaimAnswered& event);
void on_fleet_state_changed(DecisionContext& context, const FleetStateChanged& event);
void on_fleet_limit_exceeded(DecisionContext& context, const FleetLimitExceeded& event);
void on_fleet_termination_requested(DecisionContext& context, const FleetTerminationRequested& event);

/// Returns true if the login needs a slot of the fleet before it is admitted, and does not have one.
bool needs_fleet_slot(const Session& session, const policy::Limits& limits);

/// Claims a slot of the fleet for a login that needs one. If claims are not answered, this host decides alone. Returns
/// the reason if the login must be denied. If Session::fleet_claim is `asked` afterwards, the login must wait for the
/// answer until Session::claim_until.
std::optional<Reason> obtain_fleet_slot(DecisionContext& context, Session& session, const policy::Limits& limits);

/// Admits a login for which this host has a session slot, or moves it to phase asking until the fleet has answered. If
/// the fleet does not answer, and this host decides against the login, denies it. Returns false if it was denied.
/// `budget` is the time for which the PAM module waits.
bool admit_or_ask(DecisionContext& context, Session session, RequestId request, const policy::Limits& limits,
                  Duration budget);

/// Decides again about a login that waits for the answer of the fleet. If its time is over, this host decides alone.
void continue_asking(DecisionContext& context, Session session);

/// Adds the effects that keep the claims of the fleet equal to the sessions. Called after each decision. A session has
/// a claim while it occupies a slot of this host and its user is limited in the fleet. A login that waits for a slot of
/// this host keeps the claim that it has made.
void settle_claims(DecisionContext& context);

// release.cpp
void on_close_requested(DecisionContext& context, const CloseRequested& event);
void on_request_aborted(DecisionContext& context, const RequestAborted& event);

/// Returns the reason that notices name for the end of a session. `reason` is the reason of the core. If logind has
/// probably stopped the session because it was idle, this is named instead of the exit of its leader.
Reason named_reason(const Session& session, const Reason& reason);

/// Removes a session from the core's state. If the session occupied one of its user's session slots, the slot goes to
/// the login of the same user that has waited the longest.
void remove_session(DecisionContext& context, const Session& session);

/// Admits waiting logins of a user, as many as the limits permit. `left` is the session of the user that has just freed
/// its session slot.
void admit_waiting(DecisionContext& context, const Session& left);

// left_behind.cpp
void on_programs_preserved(DecisionContext& context, const ProgramsPreserved& event);
void on_scope_emptied(DecisionContext& context, const ScopeEmptied& event);

/// Keeps the record of a session whose leader (the process that opened the session) has exited after a logout, until
/// logind removes the session. Frees the session slot, unless the policy counts the session further. Removes the
/// session if logind does not have it.
void leave_behind(DecisionContext& context, const Session& session);

/// Applies the current policy to a session that is left behind. If the policy does not count its login as a session, or
/// if the session consists of preserved programs, no limit applies to it.
void reapply_to_left_behind(const DecisionContext& context, Session& session);

// limits.cpp
void on_activity_probed(DecisionContext& context, const ActivityProbed& event);
void on_traffic_sampled(DecisionContext& context, const TrafficSampled& event);
void on_input_received(DecisionContext& context, const InputReceived& event);
void on_terminal_opened(DecisionContext& context, const TerminalOpened& event);
void on_clock_changed(DecisionContext& context, const ClockChanged& event);

/// Handles the deadline of an open session. Issues a warning, requests an activity probe, or begins the termination of
/// the session.
void serve_limits(DecisionContext& context, Session session);

/// Returns the time of the next action for the session. The next action is at most Timeouts::probe_retry away if an
/// activity probe for an idle limit failed, or if logind has not yet answered whether the session was logged out.
BootTime due_of(const DecisionContext& context, const Session& session, const std::vector<Duration>& warnings);

// policy_change.cpp
void on_policy_changed(DecisionContext& context, const PolicyChanged& event);
void on_groups_resolved(DecisionContext& context, const GroupsResolved& event);

/// Applies the current policy to an open session. If a limit is new to the user, the
/// user is warned about the limit again. If the new limit would expire within the grace period (the longest
/// warn_before, or 5 min), no limit terminates the session before the end of that period.
///
/// A limit of a session is new to its user if the policy has changed the value of the limit, or if the limit was only
/// observed before. If `retroactive` is true, all limits are new, because no policy was applied to the session before.
void reapply_policy(const DecisionContext& context, Session& session, bool retroactive);

/// Excludes an open session from all limits if the current policy does not count its login as a session, for example
/// because its PAM service is now in ignore_services. The processes of the session continue. Does nothing and returns
/// false if the policy counts the login.
bool release_uncounted(DecisionContext& context, Session session);

/// Adds the record of a session to the decision after the current policy was applied to the session. Begins the
/// termination of the session if its leader (the process that opened the session) exited without a logout in observe
/// mode, and the limits are now enforced. `before` is the session before the current policy was applied.
void commit_session(DecisionContext& context, const Session& session, const Session& before);

// termination.cpp
void on_termination_requested(DecisionContext& context, const TerminationRequested& event);

/// Begins the termination of an open session. In observe mode, only reports that the session would be terminated,
/// unless a D-Bus caller requested the termination (Cause::requested). `note` is the message of that caller to the
/// user.
void begin_termination(DecisionContext& context, Session session, const Reason& reason, const std::string& note = {});

/// Performs the next stage of a termination. The stages are a notice on the terminals of the session, SIGTERM, and
/// SIGKILL.
void continue_termination(DecisionContext& context, Session session);

/// Terminates a denied login whose processes did not exit by themselves. The first call for a login sends SIGTERM, and
/// later calls send SIGKILL.
void terminate_denied_login(DecisionContext& context, Session session);

// logind_events.cpp
void on_leader_exited(DecisionContext& context, const LeaderExited& event);
void on_logind_session_new(DecisionContext& context, const LogindSessionNew& event);
void on_logind_session_removed(DecisionContext& context, const LogindSessionRemoved& event);
void on_logout_checked(DecisionContext& context, const LogoutChecked& event);

/// Handles the exit of a session's leader (the process that opened the session) without a logout. If a limit applies to
/// the session, its remaining processes are terminated. Otherwise the session stays open and occupies its session slot
/// until logind removes it.
void on_leader_lost(DecisionContext& context, Session session);

/// Asks logind whether a session was logged out, after the process that opened the session has exited. Only used for
/// sessions that the PAM module did not report. The query is repeated until logind answers, and no limit of the session
/// is enforced before the answer.
void check_logout(DecisionContext& context, Session session);

// restore.cpp
void on_session_restored(DecisionContext& context, const SessionRestored& event);

// decide.cpp
void on_timer_expired(DecisionContext& context, const TimerExpired& event);

} // namespace sesslimit::core
