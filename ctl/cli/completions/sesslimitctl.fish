# SPDX-License-Identifier: MIT
# fish completion for sesslimitctl(1)

set -l commands list show end end-user end-credential explain check audit set unset edit get rules defaults reload status watch fleet

# Lists the current sessions, users and credentials of the daemon, or the keys and rules of the policy. Prints no
# sessions if the daemon is not running.
function __sesslimitctl_open
    sesslimitctl complete $argv[1] 2>/dev/null
end

# Lists keys of the policy with an equals sign, or with values if the current word contains an equals sign. The argument
# is settings or matches.
function __sesslimitctl_assignments
    if string match -q '*=*' -- (string replace -r '^--match=' '' -- (commandline -ct))
        __sesslimitctl_open $argv[1]-values
        if test $argv[1] = matches
            __fish_complete_users | string replace -r '^' user=
            __fish_complete_groups | string replace -r '^' group=
        end
    else
        __sesslimitctl_open $argv[1] | string replace -r '$' =
    end
end

complete -c sesslimitctl -f

complete -c sesslimitctl -l json -x -a 'short pretty off' -d 'Print JSON'
complete -c sesslimitctl -l no-legend -d 'Do not print headings and counts'
complete -c sesslimitctl -l no-pager -d 'Do not pipe the output into a pager'
complete -c sesslimitctl -l no-ask -d 'Do not ask for confirmation or a password'
complete -c sesslimitctl -s h -l help -d 'Print help and exit'
complete -c sesslimitctl -n "not __fish_seen_subcommand_from $commands" -l version -d 'Print the version and exit'

complete -c sesslimitctl -n "not __fish_seen_subcommand_from $commands" -a list -d 'List open sessions'
complete -c sesslimitctl -n "not __fish_seen_subcommand_from $commands" -a show -d 'Show details of sessions'
complete -c sesslimitctl -n "not __fish_seen_subcommand_from $commands" -a end -d 'End sessions'
complete -c sesslimitctl -n "not __fish_seen_subcommand_from $commands" -a end-user -d 'End all sessions of users'
complete -c sesslimitctl -n "not __fish_seen_subcommand_from $commands" -a end-credential -d 'End all sessions opened with an SSH key'
complete -c sesslimitctl -n "not __fish_seen_subcommand_from $commands" -a explain -d 'Show which limits apply to a login and which rules set them'
complete -c sesslimitctl -n "not __fish_seen_subcommand_from $commands" -a check -d 'Check the policy for errors'
complete -c sesslimitctl -n "not __fish_seen_subcommand_from $commands" -a audit -d 'Check this host against the session controls of STIG, PCI DSS, CIS and ANSSI'
complete -c sesslimitctl -n "not __fish_seen_subcommand_from $commands" -a set -d 'Change settings of the policy'
complete -c sesslimitctl -n "not __fish_seen_subcommand_from $commands" -a unset -d 'Remove settings that the command set has made'
complete -c sesslimitctl -n "not __fish_seen_subcommand_from $commands" -a edit -d 'Edit the file of the command set, and check it'
complete -c sesslimitctl -n "not __fish_seen_subcommand_from $commands" -a get -d 'Print settings as written in the policy files'
complete -c sesslimitctl -n "not __fish_seen_subcommand_from $commands" -a rules -d 'List the rules of the policy files'
complete -c sesslimitctl -n "not __fish_seen_subcommand_from $commands" -a defaults -d 'Show the limits of logins that match no rule'
complete -c sesslimitctl -n "not __fish_seen_subcommand_from $commands" -a reload -d 'Reload the policy'
complete -c sesslimitctl -n "not __fish_seen_subcommand_from $commands" -a status -d 'Show daemon status'
complete -c sesslimitctl -n "not __fish_seen_subcommand_from $commands" -a watch -d 'Print session events'
complete -c sesslimitctl -n "not __fish_seen_subcommand_from $commands" -a fleet -d 'Show and change the fleet of this host'

set -l of_fleet list hosts status end-user end-credential drain forget
set -l fleet_first "__fish_seen_subcommand_from fleet; and not __fish_seen_subcommand_from $of_fleet"
complete -c sesslimitctl -n $fleet_first -a list -d 'List sessions on all hosts'
complete -c sesslimitctl -n $fleet_first -a hosts -d 'List the hosts of the fleet'
complete -c sesslimitctl -n $fleet_first -a status -d 'Show the state of this host and of the nodes of etcd'
complete -c sesslimitctl -n $fleet_first -a end-user -d 'End all sessions of a user'
complete -c sesslimitctl -n $fleet_first -a end-credential -d 'End all sessions opened with an SSH key'
complete -c sesslimitctl -n $fleet_first -a drain -d 'Leave the fleet until sesslimit-fleetd is restarted'
complete -c sesslimitctl -n $fleet_first -a forget -d 'Free the slots of a lost host'
complete -c sesslimitctl -n '__fish_seen_subcommand_from fleet; and __fish_seen_subcommand_from list' -a '(__sesslimitctl_open users)'
complete -c sesslimitctl -n '__fish_seen_subcommand_from fleet' -l socket -r -F -d 'Socket of sesslimit-fleetd'
complete -c sesslimitctl -n '__fish_seen_subcommand_from fleet; and __fish_seen_subcommand_from end-user end-credential' -l timeout -x -d 'Time in which the hosts can answer'

complete -c sesslimitctl -n '__fish_seen_subcommand_from show end' -a '(__sesslimitctl_open sessions)'
complete -c sesslimitctl -n '__fish_seen_subcommand_from end-user' -a '(__sesslimitctl_open users)'
complete -c sesslimitctl -n '__fish_seen_subcommand_from end-credential' -a '(__sesslimitctl_open credentials)'
complete -c sesslimitctl -n '__fish_seen_subcommand_from end end-user end-credential' -l message -x -d 'Text that is shown to the user'
complete -c sesslimitctl -n '__fish_seen_subcommand_from list' -l user -x -a '(__sesslimitctl_open users)' -d 'List only sessions of this user'

complete -c sesslimitctl -n '__fish_seen_subcommand_from explain' -a '(__fish_complete_users)'
complete -c sesslimitctl -n '__fish_seen_subcommand_from explain' -l service -x -a '(__fish_complete_path /etc/pam.d/ | string replace /etc/pam.d/ "")' -d 'PAM service'
complete -c sesslimitctl -n '__fish_seen_subcommand_from explain' -l origin -x -a '(__fish_print_hostnames)' -d 'Remote host'
complete -c sesslimitctl -n '__fish_seen_subcommand_from explain' -l group -x -a '(__fish_complete_groups)' -d 'Additional group of the user'
complete -c sesslimitctl -n '__fish_seen_subcommand_from explain' -l method -x -a 'publickey password keyboard-interactive hostbased gssapi-with-mic gssapi-keyex none' -d 'Authentication method'
complete -c sesslimitctl -n '__fish_seen_subcommand_from explain' -l credential -x -a '(__sesslimitctl_open credentials)' -d 'Fingerprint of the key'
complete -c sesslimitctl -n '__fish_seen_subcommand_from explain' -l seat -x -a seat0 -d 'Seat of the login'

complete -c sesslimitctl -n '__fish_seen_subcommand_from check' -F
complete -c sesslimitctl -n '__fish_seen_subcommand_from check' -l policy-dir -x -a '(__fish_complete_directories)' -d 'Directory of the policy'
complete -c sesslimitctl -n '__fish_seen_subcommand_from check' -l managed -d 'Check the files as if they were in managed.d'

complete -c sesslimitctl -n '__fish_seen_subcommand_from audit' -l profile -x -a 'stig pci cis anssi' -d 'Check only this profile'
complete -c sesslimitctl -n '__fish_seen_subcommand_from audit' -l require -x -a 'max_sessions= idle_timeout=' -d 'Check only that sesslimit enforces this limit'
complete -c sesslimitctl -n '__fish_seen_subcommand_from audit' -l root -x -a '(__fish_complete_directories)' -d 'Read the configuration files below this directory instead of /'

complete -c sesslimitctl -n '__fish_seen_subcommand_from set' -a '(__sesslimitctl_assignments settings)' -d 'Setting'
complete -c sesslimitctl -n '__fish_seen_subcommand_from set' -l match -x -a '(__sesslimitctl_assignments matches)' -d 'Logins to which the rule applies'
complete -c sesslimitctl -n '__fish_seen_subcommand_from unset get' -a '(__sesslimitctl_open settings)' -d 'Setting'
complete -c sesslimitctl -n '__fish_seen_subcommand_from unset' -l match -x -a '(__sesslimitctl_open matches)' -d 'Key under match to remove'
complete -c sesslimitctl -n '__fish_seen_subcommand_from set unset' -l rule -x -a '(__sesslimitctl_open rules)' -d 'Rule instead of the defaults'
complete -c sesslimitctl -n '__fish_seen_subcommand_from get' -l rule -x -a '(__sesslimitctl_open host-rules)' -d 'Rule instead of the defaults'
complete -c sesslimitctl -n '__fish_seen_subcommand_from set unset' -l dry-run -d 'Check the change and show its effect, but do not write it'
complete -c sesslimitctl -n '__fish_seen_subcommand_from set unset edit get rules defaults' -l policy-dir -x -a '(__fish_complete_directories)' -d 'Policy directory'
