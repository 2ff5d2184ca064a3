# SPDX-License-Identifier: MIT
"""Installation, upgrade, downgrade, removal, purge and reinstallation of the packages on a host in use.

Not collected by default: tests/run packages.

The previous version consists of the same packages with a lower version number, another policy.toml and one socket less.
Thus dpkg, apt and the maintainer scripts do all steps of an upgrade, but both daemons have the same source.
SESSLIMIT_PREVIOUS_DEBS names a directory with packages of an older source, see tests/packages/build-previous. They are
in that directory or in a subdirectory with the name of the suite.
"""

import contextlib
import os
import threading
from pathlib import Path

import pytest

from lab import apt, client, console, ctl
from lab.going_in import GoingIn, get_in
from lab.host import PAM_STACK, POLICY

LIMITS = "/etc/sesslimit/policy.d/lab.toml"
UNITS = ("sesslimitd.service", "sesslimitd.socket")
PROFILE = "/usr/share/pam-configs/sesslimit"
DRIFT = 1000  # microseconds
NO_DAEMON = "sesslimit: systemd is not running"
NO_SOCK_DIAG = "No sock_diag socket"
NO_LOGIND = "sesslimit: systemd-logind is not running"


@pytest.fixture(scope="session")
def same_before(debs, suite, tmp_path_factory):
    return apt.repacked(debs, tmp_path_factory.mktemp(suite))


@pytest.fixture(scope="session")
def before(same_before, debs, suite):
    if "SESSLIMIT_PREVIOUS_DEBS" not in os.environ:
        return same_before
    place = Path(os.environ["SESSLIMIT_PREVIOUS_DEBS"])
    found = sorted((place / suite).glob("*.deb")) or sorted(place.glob("*.deb"))
    assert len(found) == len(apt.NAMES) and apt.is_older(found, debs), found
    return found


def limit(host, user, number):
    """Limits the user's sessions, with a policy file that does not belong to any package."""
    rule = f'[[rule]]\nname = "lab"\nmatch.user = ["{user}"]\nmax_sessions = {number}\n'
    host.write(LIMITS, f"version = 1\n{rule}")
    ctl.text(host, "reload")


def told(host):
    """Returns the start time of each session that the daemon counts, by its identifying properties."""
    sessions = ctl.data(host, "sessions", "list")
    names = ("key", "id", "user", "leader", "service")
    return {tuple(each[name] for name in names): each["since"] for each in sessions}


def assert_same(told_now, told_before):
    """The ledger has boot times. Converted to wall-clock time they may differ by the clock's corrections."""
    assert told_now.keys() == told_before.keys()
    assert all(abs(told_now[each] - told_before[each]) <= DRIFT for each in told_now), (told_now, told_before)


def people(host):
    """Logs in alice with two ssh shells, bob on a console, and root by ssh. Returns the logins, at their prompts."""
    logins = [client.shell(host, user) for user in ("alice", "alice", "root")] + [console.log_in(host, "bob")]
    for each in logins:
        each.prompt()
    return logins


def assert_there(logins):
    """Checks that each shell still answers."""
    for number, each in enumerate(logins):
        after = len(each.output)
        each.send(f"echo it-is-{number}$((1 + 1))\n")
        each.expect(f"it-is-{number}2", 20, after)


def assert_limit_holds(host, user):
    one_more = client.shell(host, user)
    assert not one_more.verdict() and "reached" in one_more.output, one_more.output
    one_more.close()


def executable(host):
    """Returns device and inode of the file from which the daemon was started, and of the installed file."""
    shown = host.sh(f"stat -L -c %d:%i /proc/{host.daemon_pid()}/exe /usr/sbin/sesslimitd")
    return shown.split()


def states(host, question):
    return [host.run("systemctl", question, unit, check=False).stdout.strip() for unit in UNITS]


def assert_installed(host, packages):
    assert [apt.version(host, name) for name in apt.NAMES] == [apt.version_of(packages)] * 2
    assert (states(host, "is-active"), states(host, "is-enabled")) == (["active"] * 2, ["enabled"] * 2)


def missed(host):
    """Returns the first words of the daemon's warnings about missing parts of the units or of the ledger."""
    said = host.journal("-u", "sesslimitd.service", f"_PID={host.daemon_pid()}", "-p", "warning", "-o", "cat")
    return "\n".join(line.partition(":")[0] for line in said.splitlines())


@contextlib.contextmanager
def denied_again_and_again(host, user):
    """Repeats logins of a user without a free slot in sequence. Yields the exit status and output of each."""
    results, over = [], threading.Event()

    def go_on():
        while not over.is_set():
            login = client.command(host, user, "true")
            results.append((login.wait(20), login.output))
            login.close()

    thread = threading.Thread(target=go_on)
    thread.start()
    try:
        yield results
    finally:
        over.set()
        thread.join()


# --- installation on a host in use


def test_installation_adopts_open_sessions(stock, debs, saw):
    logins = people(stock)
    opened = {each.id: each.user for each in stock.sessions()}
    assert sorted(opened.values()) == ["alice", "alice", "bob", "root"]
    with GoingIn(stock) as others:
        apt.install(stock, debs)
    meanwhile = others.assert_all_let_in()
    assert_installed(stock, debs)
    listed = {each["id"]: each["user"] for each in ctl.data(stock, "sessions", "list") if each["adopted"]}
    assert opened.items() <= listed.items()
    assert_there(logins)
    limit(stock, "alice", 2)
    assert_limit_holds(stock, "alice")
    assert_there(logins)
    assert logins[0].log_out() == 0
    again = client.shell(stock, "alice")
    assert again.verdict(), again.output
    saw(f"4 sessions open: all adopted and listed, none terminated; {meanwhile}")
    saw("a limit of 2 counts the 2 adopted ones: the third login is denied, and admitted after a logout")


# --- upgrades and downgrades


@pytest.mark.parametrize("way", ["upgraded", "downgraded"])
def test_other_version_keeps_open_sessions_and_limits(stock, same_before, before, debs, saw, way):
    first, second = (before, debs) if way == "upgraded" else (debs, before)
    apt.install(stock, first)
    assert_installed(stock, first)
    limit(stock, "alice", 2)
    logins = people(stock)
    pid, sessions = stock.daemon_pid(), told(stock)
    assert len(sessions) == len(logins)
    with denied_again_and_again(stock, "alice") as results:
        apt.install(stock, second)
    assert_installed(stock, second)
    assert stock.daemon_pid() not in ("0", pid)
    running, installed = executable(stock)
    assert running == installed
    assert_same(told(stock), sessions)
    assert missed(stock) == ("" if way == "upgraded" or before is not same_before else NO_SOCK_DIAG)
    assert_there(logins)
    assert results and all(status != 0 and "limit of 2 sessions" in output for status, output in results), results
    assert [each.log_out() for each in logins] == [0] * len(logins)
    again = client.shell(stock, "alice")
    assert again.verdict(), again.output
    saw(f"{way} from {apt.version_of(first)} to {apt.version_of(second)}, 4 sessions open: the same 4 in the ledger, "
        f"with the same start; new binary; {len(results)} logins over the limit meanwhile, all denied")


def test_upgrade_adds_socket_of_new_unit(stock, same_before, debs, saw):
    apt.install(stock, same_before)
    assert missed(stock) == NO_SOCK_DIAG
    with GoingIn(stock) as others:
        apt.install(stock, debs)
    meanwhile = others.assert_all_let_in()
    assert_installed(stock, debs)
    assert missed(stock) == ""
    saw(f"upgraded to a socket unit with one more Listen setting: the daemon has the socket; {meanwhile}, "
        f"{others.ssh.uncounted} of them uncounted")


def test_upgrade_keeps_module_arguments(stock, before, debs, saw):
    apt.install(stock, before)
    stock.write(PAM_STACK, stock.read(PAM_STACK).replace("pam_sesslimit.so", "pam_sesslimit.so quiet timeout=3s"))
    said = apt.install(stock, debs).stdout
    (line,) = [line for line in stock.read(PAM_STACK).splitlines() if "pam_sesslimit.so" in line]
    assert line.split()[-2:] == ["quiet", "timeout=3s"] and "had these arguments" not in said
    saw("upgraded: the administrator's module arguments in the PAM stack are preserved")


def test_upgrade_prints_dropped_module_arguments(stock, before, debs, saw):
    """pam-auth-update drops the administrator's arguments if the new line of the package has another control value."""
    apt.install(stock, before)
    stock.write(PROFILE, stock.read(PROFILE).replace(" ignore=ignore", ""))
    stock.sh("DEBIAN_FRONTEND=noninteractive pam-auth-update --package")
    ours = "pam_sesslimit.so"
    stock.write(PAM_STACK, stock.read(PAM_STACK).replace(ours, f"{ours} timeout=3s on_error=deny"))
    said = apt.install(stock, debs).stdout
    assert " ignore=ignore" in stock.read(PAM_STACK) and "on_error" not in stock.read(PAM_STACK)
    assert "had these arguments: on_error=deny timeout=3s\n" in said
    saw("upgraded to a line with another control value: the arguments are dropped, and the upgrade prints them")


# --- a policy that the administrator has changed

MINE = 'version = 1\n[[rule]]\nname = "mine"\nmatch.user = ["alice"]\nmax_sessions = 1\n'


def shipped(host):
    """Returns policy.toml of the package that was unpacked last."""
    (newest,) = [path for path in host.path(apt.PLACE).glob("sesslimit_*.deb") if "~" not in path.name]
    return host.sh(f"dpkg-deb --fsys-tarfile {apt.PLACE}/{newest.name} | tar --extract --to-stdout .{POLICY}")


def test_upgrade_replaces_unchanged_policy(stock, same_before, debs, saw):
    apt.install(stock, same_before)
    old = stock.read(POLICY)
    apt.install(stock, debs)
    assert old != stock.read(POLICY) == shipped(stock)
    saw("policy.toml as it was shipped: replaced by that of the new version")


@pytest.mark.parametrize("wanted, rest", [("confold", ".dpkg-dist"), ("confnew", ".dpkg-old")])
def test_upgrade_keeps_both_versions_of_changed_policy(stock, same_before, debs, saw, wanted, rest):
    apt.install(stock, same_before)
    stock.policy(MINE)
    shell = client.shell(stock, "alice")
    assert shell.verdict()
    apt.install(stock, debs, "-o", f"Dpkg::Options::=--force-{wanted}")
    assert_installed(stock, debs)
    here = [MINE, shipped(stock)]
    if wanted == "confnew":
        here.reverse()
    assert [stock.read(POLICY), stock.read(POLICY + rest)] == here
    if wanted == "confold":
        assert_limit_holds(stock, "alice")
    assert_there([shell])
    saw(f"policy.toml changed, --force-{wanted}: nothing is lost, the other version is policy.toml{rest}")


def test_unanswered_conffile_prompt_keeps_daemon_and_limits(stock, same_before, debs, saw):
    """dpkg asks and fails without an answer. The old daemon runs until the upgrade is completed."""
    apt.install(stock, same_before)
    stock.policy(MINE)
    shell = client.shell(stock, "alice")
    assert shell.verdict()
    assert apt.install(stock, debs, check=False).returncode != 0
    assert apt.version(stock) == ""
    assert stock.read(POLICY) == MINE
    assert_limit_holds(stock, "alice")
    with GoingIn(stock, "bob") as others:
        stock.run("dpkg", "--force-confold", "--configure", "--pending", timeout=120)
    meanwhile = others.assert_all_let_in()
    assert_installed(stock, debs)
    assert stock.read(POLICY) == MINE
    assert_limit_holds(stock, "alice")
    assert_there([shell])
    saw(f"dpkg's question is not answered: the limit is enforced; completed by dpkg --configure: {meanwhile}")


# --- removal and reinstallation


def test_removal_and_reinstallation_keep_policy_and_session(stock, debs, saw):
    stacks = {path: stock.read(path) for path in (PAM_STACK, f"{PAM_STACK}-noninteractive")}
    apt.install(stock, debs)
    stock.policy(MINE.replace("alice", "carol"))
    carol = client.shell(stock, "carol")
    assert carol.verdict()

    with GoingIn(stock) as others:
        apt.apt(stock, "remove", *apt.NAMES)
    saw(f"removed: {others.assert_all_let_in()}")
    assert {path: stock.read(path) for path in stacks} == stacks
    assert states(stock, "is-active") == ["inactive"] * 2
    assert stock.sh("ls -d /run/sesslimit* || true") == ""
    assert "carol" in stock.read(POLICY)
    assert_there([carol])
    saw("removed: PAM stack restored, no unit, nothing in /run; the policy and an open session are preserved")

    with GoingIn(stock) as others:
        apt.install(stock, debs)
    assert_installed(stock, debs)
    assert_limit_holds(stock, "carol")
    saw(f"installed again: {others.assert_all_let_in()}; the old policy is enforced, and counts the preserved session")

    with GoingIn(stock) as others:
        apt.apt(stock, "purge", *apt.NAMES)
    saw(f"purged: {others.assert_all_let_in()}")
    assert {path: stock.read(path) for path in stacks} == stacks
    assert_there([carol])
    assert carol.log_out() == 0

    with GoingIn(stock) as others:
        apt.install(stock, debs)
    assert_installed(stock, debs)
    assert stock.read(POLICY) == shipped(stock)
    saw(f"installed after a purge: {others.assert_all_let_in()}; the policy as shipped")


# --- hosts without logind

BARE = {
    "systemd-logind masked": ("systemctl mask --now systemd-logind.service", NO_LOGIND),
    "libpam-systemd removed": (
        "systemctl mask --now systemd-logind.service; dpkg --force-depends --purge libpam-systemd", NO_LOGIND),
    "systemd does not run": ("true", NO_DAEMON),
}


@pytest.mark.parametrize("name", BARE)
def test_installation_without_logind_admits_logins(stock, debs, saw, name):
    bare, said = BARE[name]
    stock.sh(bare)
    stock.path(apt.PLACE).mkdir()
    for package in debs:
        (stock.path(apt.PLACE) / package.name).write_bytes(package.read_bytes())
    hidden = "mount -t tmpfs none /run;" if name == "systemd does not run" else ""
    with GoingIn(stock) as others:
        script = f"{hidden} dpkg --force-depends --install {apt.PLACE}/*.deb"
        output = stock.run("unshare", "--mount", "sh", "-ec", script, timeout=120).stdout
    meanwhile = others.assert_all_let_in()
    assert output.count("sesslimit: ") == 1 and said in output
    assert all(apt.version(stock, each) for each in apt.NAMES)
    get_in(stock)
    with GoingIn(stock) as others:
        stock.run("dpkg", "--purge", *apt.NAMES, timeout=120)
    others.assert_all_let_in()
    saw(f"{name}: installed with {said!r}, and purged; {meanwhile}")
