# SPDX-License-Identifier: MIT
"""The instructions of README.md on a new Debian, and the tests that a distribution runs for the package.

Not collected by default: tests/run packages.
"""

import re
from pathlib import Path

from lab import client
from lab.machine import wait_until

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
CHECKOUT = "/root/sesslimit"

# Paths that belong to the running machine, its logins, dpkg and apt, and not to the packages.
AT_WORK = ("/proc", "/sys", "/dev", "/tmp", "/run/systemd", "/run/log", "/run/user", "/run/udev", "/run/motd.dynamic")
BY_OTHERS = ("/home", "/var/log", "/var/lib/dpkg", "/var/lib/apt", "/var/cache", CHECKOUT)


def says(command):
    """Returns the command, which README.md must contain literally."""
    assert f"{command}" in README, f"README.md does not contain: {command}"
    return command


def example(path):
    """Returns the README's TOML file with this path in its first line."""
    (text,) = re.findall(rf"```toml\n(# {re.escape(path)}\n.*?)```", README, re.DOTALL)
    return text


def files(host):
    """Returns all paths of the machine. A directory ends with a slash."""
    prune = " -o ".join(f"-path {each}" for each in AT_WORK + BY_OTHERS)
    return set(host.sh(rf"find / \( {prune} \) -prune -o \( -type d -printf '%p/\n' -o -printf '%p\n' \)").splitlines())


def test_readme_instructions_work(stock, debs, saw):
    before = files(stock)
    stock.path(f"{CHECKOUT}/dist").mkdir(parents=True)
    for package in debs:
        (stock.path(f"{CHECKOUT}/dist") / package.name).write_bytes(package.read_bytes())

    def as_root(command, check=True):
        return stock.run("sh", "-c", f"cd {CHECKOUT} && {command}", check=check, timeout=180).stdout

    # -y, because there is no terminal for a confirmation.
    as_root(says("apt install ./dist/*.deb").replace("install", "-y install"))
    saw("apt install ./dist/*.deb")

    path = "/etc/sesslimit/policy.d/50-limits.toml"
    stock.write(path, example(path))
    stock.sh("groupadd contractors; usermod -aG contractors alice")
    as_root(says("sesslimitctl check"))
    as_root(says("systemctl reload sesslimitd"))
    log = says("journalctl -u sesslimitd")
    wait_until("the loaded policy", lambda: "Loaded policy with 2 rules" in as_root(f"{log} --no-pager"), 10)
    shells = [client.shell(stock, "alice") for _ in range(3)]
    assert [each.verdict() for each in shells] == [True] * 3
    would = as_root(says("journalctl SESSLIMIT_EVENT=would-deny") + " --no-pager")
    assert "alice" in would
    saw("the README's policy, mode observe: three logins of a contractor admitted, would-deny in the journal")

    stock.write(path, "".join(line for line in example(path).splitlines(True) if not line.startswith("mode ")))
    as_root("sesslimitctl check")
    as_root("systemctl reload sesslimitd")
    wait_until("the limit", lambda: "observe" not in as_root("sesslimitctl explain alice"), 10)
    assert shells[2].log_out() == 0
    denied = client.shell(stock, "alice")
    assert not denied.verdict()
    reason = re.search(r"Login denied for alice: limit of 2 sessions reached\. Open sessions:", denied.output)
    assert reason, denied.output
    listed = as_root(says("sesslimitctl"))
    assert listed.count("alice") == 2
    assert f"{path}" in as_root(says("sesslimitctl explain alice"))
    saw(f"without mode: the third login reads {reason.group()!r}")

    # The section "How to get back in".
    as_root(says("systemctl stop sesslimitd.socket sesslimitd"))
    third = client.shell(stock, "alice")
    assert third.verdict()
    stock.start_daemon()
    as_root(says("pam-auth-update --disable sesslimit"))
    fourth = client.shell(stock, "alice")
    assert fourth.verdict()
    saw("with the daemon stopped or the module disabled, no login is denied")

    as_root(says("apt purge sesslimit libpam-sesslimit").replace("purge", "-y purge"))
    for each in (*shells[:2], third, fourth):
        assert each.log_out() == 0
    again = client.command(stock, "alice", "echo in")
    assert (again.wait(20), again.output) == (0, "in\n")
    after = files(stock)
    left = sorted(after - before)
    assert left == ["/etc/sesslimit/", "/etc/sesslimit/policy.d/", path] and before <= after, (left, before - after)
    saw(f"apt purge leaves {' '.join(left)}, which was written by hand, and nothing else; logins work")
    as_root(says("rm -r /etc/sesslimit"))
    assert files(stock) == before


def test_autopkgtest_scripts_pass(stock, debs, saw):
    """Runs the tests of packaging/debian/tests as autopkgtest(1) does on a testbed."""
    tests = ROOT / "packaging" / "debian" / "tests"
    (names,) = re.findall(r"(?m)^Tests: (.*)$", (tests / "control").read_text(encoding="utf-8"))
    stock.install(debs)
    for name in names.split():
        stock.write(f"/var/tmp/tests/{name}", (tests / name).read_text(encoding="utf-8"), 0o755)
        done = stock.run(f"/var/tmp/tests/{name}", check=False)
        assert done.returncode == 0, done
        saw(f"autopkgtest {name}: {done.stdout.count(chr(10))} lines, the last: {done.stdout.splitlines()[-1]}")
