"""The files that start the hub at boot: a systemd unit, a launchd job, a scheduled task."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

# What the repository's restohub.service starts: the first restohub of its PATH, so that a copy works as it is.
ANY_PROGRAM = "/usr/bin/env restohub"

LINUX_FOLDER = "/var/lib/restohub"
MAC_USER = "daemon"
MAC_FOLDER = "/Library/Application Support/restohub"
WINDOWS_FOLDER = r"C:\ProgramData\restohub"
LOCAL_SERVICE = "S-1-5-19"
TASK = "http://schemas.microsoft.com/windows/2004/02/mit/task"

UNIT = """\
# restohub as a systemd service. `restohub service install` writes it with the path of the installed program.
[Unit]
Description=restohub, the hub of a restaurant's iPads
# Not network-online.target: the hub starts without a network and is found when there is one.
After=network.target
# Whatever ends the hub, it is started again, at most five times a minute and without giving up: there is no other.
StartLimitIntervalSec=0

[Service]
Type=notify
# With the one file, systemd starts the loader, and the hub that notifies it is the loader's child.
NotifyAccess=all
ExecStart=@PROGRAM@ serve
Environment=PATH=/opt/restohub/bin:/usr/local/bin:/usr/bin:/bin
# What every thread was doing when the watchdog struck goes to the journal.
Environment=PYTHONFAULTHANDLER=1
# Silent for 12 s, and 12 s to the next start: a hub that hangs is back within 30 s.
WatchdogSec=12s
TimeoutStartSec=5min
TimeoutStopSec=10s
Restart=on-failure
RestartSec=12s

# The data are /var/lib/restohub, of a user that exists while the hub runs. All else is read-only or hidden.
DynamicUser=yes
StateDirectory=restohub
StateDirectoryMode=0700
UMask=0077
ProtectSystem=strict
ProtectHome=yes
PrivateTmp=yes
PrivateDevices=yes
PrivateMounts=yes
ProtectProc=invisible
ProcSubset=pid
RemoveIPC=yes

MemoryMax=512M
TasksMax=64
LimitCORE=0
LimitNOFILE=16384

# The iPads and mDNS (IP), the list of interfaces (netlink), systemd and the log (unix).
RestrictAddressFamilies=AF_INET AF_INET6 AF_NETLINK AF_UNIX
NoNewPrivileges=yes
CapabilityBoundingSet=
AmbientCapabilities=
PrivateUsers=yes
ProtectClock=yes
ProtectHostname=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
ProtectControlGroups=yes
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
LockPersonality=yes
MemoryDenyWriteExecute=yes
KeyringMode=private
DevicePolicy=closed
SystemCallArchitectures=native
SystemCallFilter=@system-service
SystemCallFilter=~@privileged @resources
# A backup gives way to all else.
SystemCallFilter=setpriority
SystemCallErrorNumber=EPERM

[Install]
WantedBy=multi-user.target
"""


def systemd_unit(program: str = "", backup_to: Sequence[str] = ()) -> str:
    """The unit that starts the program at this path; without one, that which stands in the repository.

    The service may write in the folders of `backup_to`, and has a copy of each backup there.
    """
    unit = UNIT.replace("@PROGRAM@", _quoted(program) if program else ANY_PROGRAM)
    if not backup_to:
        return unit
    named = ",".join(backup_to).replace("%", "%%")
    # A stick that is not plugged in (`-`) keeps no hub from starting.
    lines = [
        f'Environment="RESTOHUB_BACKUP_TO={named}"',
        *(f"ReadWritePaths={_quoted('-' + one)}" for one in backup_to),
    ]
    return unit.replace("StateDirectory=restohub\n", "\n".join([*lines, "StateDirectory=restohub\n"]))


def _quoted(path: str) -> str:
    """A path as systemd reads it: `%` is a specifier, blanks want quotes (quotes in a path it takes in no way)."""
    escaped = path.replace("%", "%%")
    return f'"{escaped}"' if set(path) & {" ", ";"} else escaped


def launchd_job(program: str) -> str:
    """The property list of a macOS daemon (launchd.plist(5)) that runs as a user without rights."""
    job = {
        "Label": "restohub",
        "ProgramArguments": [program, "serve", "--data", MAC_FOLDER],
        "UserName": MAC_USER,
        "RunAtLoad": True,
        # Restarted after a failure, not after a clean stop.
        "KeepAlive": {"SuccessfulExit": False},
        "ThrottleInterval": 5,
        "ExitTimeOut": 10,
        "Umask": 0o077,
        # launchd gives background jobs little disk and processor time; people wait for this one.
        "ProcessType": "Interactive",
        "StandardErrorPath": f"{MAC_FOLDER}/restohub.log",
    }
    import plistlib

    return plistlib.dumps(job, sort_keys=False).decode()


def scheduled_task(program: str) -> str:
    """The XML of a Windows task that runs as LOCAL SERVICE, for `schtasks /create /xml`.

    ASCII without an `encoding`: Windows PowerShell writes UTF-16 where cmd writes bytes, and both must load.
    """
    from xml.etree.ElementTree import Element, SubElement, indent, tostring

    task = Element("Task", version="1.2", xmlns=TASK)
    _fill(task, "RegistrationInfo", Description="The hub of a restaurant's iPads")
    boot = SubElement(SubElement(task, "Triggers"), "BootTrigger")
    # Each minute a task that has ended is started, and one that runs left alone (IgnoreNew): the scheduler's own
    # restart on failure does not look at exit statuses.
    _fill(boot, "Repetition", Interval="PT1M", StopAtDurationEnd="false")
    who = _fill(SubElement(task, "Principals"), "Principal", UserId=LOCAL_SERVICE, RunLevel="LeastPrivilege")
    who.set("id", "Author")
    _fill(
        task,
        "Settings",
        MultipleInstancesPolicy="IgnoreNew",
        DisallowStartIfOnBatteries="false",
        StopIfGoingOnBatteries="false",
        StartWhenAvailable="true",
        ExecutionTimeLimit="PT0S",
        Priority="5",
    )
    actions = SubElement(task, "Actions", Context="Author")
    arguments = f'serve --data "{WINDOWS_FOLDER}"'
    _fill(actions, "Exec", Command=program, Arguments=arguments)
    indent(task)
    body: bytes = tostring(task, encoding="us-ascii")
    return f'<?xml version="1.0"?>\n{body.decode("ascii")}\n'


def _fill(parent: Element, name: str, **texts: str) -> Element:
    """A new child with these children, in the order given: the task's schema is a sequence."""
    from xml.etree.ElementTree import SubElement

    child = SubElement(parent, name)
    for key, text in texts.items():
        SubElement(child, key).text = text
    return child
