// SPDX-License-Identifier: MIT
#pragma once

#include "daemon/api/service.hpp"
#include "daemon/effects/journal.hpp"
#include "daemon/effects/refusal_journal.hpp"
#include "daemon/engine.hpp"
#include "daemon/front.hpp"
#include "daemon/logind/logind.hpp"
#include "daemon/loop.hpp"
#include "daemon/serve/server.hpp"
#include "daemon/sparing.hpp"
#include "daemon/watch/connection.hpp"
#include "daemon/watch/leaders.hpp"
#include "daemon/watch/listener.hpp"
#include "daemon/watch/terminals.hpp"

#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace sesslimit {

/// The real hands of the engine: this host's processes, terminals, logind, journal, and the logins that wait.
class Host final : public Hands {
  public:
    struct Parts {
        sd_event* loop;
        effects::Journal& journal;
        serve::Server& server;
        logind::Logind& logind;
        systemd::Scopes& scopes;
        watch::Leaders& leaders;
        watch::Listener& listener;
        watch::Connections& connections;
        api::Service& api;
        Front& front;
        std::function<void()> due;                  ///< called when the armed deadline has come
        std::function<void(warden::Event)> noticed; ///< something that is found out while carrying out
    };

    /// Before anything else is called. References live longer than the host.
    void attach(Parts parts);

    /// The daemon stops: what is yet to be said is said now.
    void finish();

    void answer(const warden::Answer& answer, const warden::State& state) override;
    void tell(const warden::Notice& notice) override;
    void terminate(const warden::Terminate& what) override;
    void lock(const std::string& logind_id) override;
    void kill_all(const std::string& logind_id) override;
    void signal_leader(SessionKey key, int signal) override;
    std::optional<warden::Looked> look(const warden::Session& session) override;
    void check_logout(const warden::CheckLogout& what) override;
    void follow(const warden::Session& session) override;
    void let_go(SessionKey key) override;
    void arm(Boottime deadline) override;

  private:
    static int on_due(sd_event_source* source, std::uint64_t at, void* self);
    [[nodiscard]] std::string refusal(const warden::Answer& answer, const warden::State& state) const;

    void tell_journal(const warden::Notice& notice);

    /// Its terminals, to write on or to listen to; nothing where nobody can tell which they are, which is said.
    [[nodiscard]] std::optional<std::vector<watch::Terminal>> terminals_of(const warden::Session& session);

    /// Says it once, until a look succeeds.
    void tell_blindness(const Error& why);

    std::optional<Parts> parts_;
    std::optional<effects::RefusalJournal> refusals_;
    std::optional<Sparing> sparing_;
    EventSource timer_;
    Boottime armed_ = never;
    bool blind_ = false; ///< the last look at a session was none, for want of descriptors or memory, and it was said
};

} // namespace sesslimit
