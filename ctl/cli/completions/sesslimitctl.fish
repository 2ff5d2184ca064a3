# SPDX-License-Identifier: MIT
# fish completion for sesslimitctl(1)

set -l commands list show end end-user end-credential explain check audit reload status watch

# Sessions, users and credentials that the daemon has now; nothing where it is not there.
function __sesslimitctl_open
    sesslimitctl complete $argv[1] 2>/dev/null
end

complete -c sesslimitctl -f

complete -c sesslimitctl -l json -x -a 'short pretty off' -d 'Print JSON'
complete -c sesslimitctl -l no-legend -d 'Print neither headings nor counts'
complete -c sesslimitctl -l no-pager -d 'Do not pipe the output into a pager'
complete -c sesslimitctl -l no-ask -d 'Ask for no confirmation and for no password'
complete -c sesslimitctl -s h -l help -d 'Print help and exit'
complete -c sesslimitctl -n "not __fish_seen_subcommand_from $commands" -l version -d 'Print the version and exit'

complete -c sesslimitctl -n "not __fish_seen_subcommand_from $commands" -a list -d 'List the sessions that are open'
complete -c sesslimitctl -n "not __fish_seen_subcommand_from $commands" -a show -d 'Show all that is known of sessions'
complete -c sesslimitctl -n "not __fish_seen_subcommand_from $commands" -a end -d 'End sessions'
complete -c sesslimitctl -n "not __fish_seen_subcommand_from $commands" -a end-user -d 'End all sessions of users'
complete -c sesslimitctl -n "not __fish_seen_subcommand_from $commands" -a end-credential -d 'End all sessions that were opened with a key'
complete -c sesslimitctl -n "not __fish_seen_subcommand_from $commands" -a explain -d 'Show which limits a login would have'
complete -c sesslimitctl -n "not __fish_seen_subcommand_from $commands" -a check -d 'Look for mistakes in the policy'
complete -c sesslimitctl -n "not __fish_seen_subcommand_from $commands" -a audit -d 'Compare this host with what auditors look for'
complete -c sesslimitctl -n "not __fish_seen_subcommand_from $commands" -a reload -d 'Have the daemon read the policy anew'
complete -c sesslimitctl -n "not __fish_seen_subcommand_from $commands" -a status -d 'Show how the daemon does'
complete -c sesslimitctl -n "not __fish_seen_subcommand_from $commands" -a watch -d 'Print what happens to sessions'

complete -c sesslimitctl -n '__fish_seen_subcommand_from show end' -a '(__sesslimitctl_open sessions)'
complete -c sesslimitctl -n '__fish_seen_subcommand_from end-user' -a '(__sesslimitctl_open users)'
complete -c sesslimitctl -n '__fish_seen_subcommand_from end-credential' -a '(__sesslimitctl_open credentials)'
complete -c sesslimitctl -n '__fish_seen_subcommand_from list' -l user -x -a '(__sesslimitctl_open users)' -d 'Only those of this user'

complete -c sesslimitctl -n '__fish_seen_subcommand_from explain' -a '(__fish_complete_users)'
complete -c sesslimitctl -n '__fish_seen_subcommand_from explain' -l service -x -a '(__fish_complete_path /etc/pam.d/ | string replace /etc/pam.d/ "")' -d 'The PAM service'
complete -c sesslimitctl -n '__fish_seen_subcommand_from explain' -l origin -x -a '(__fish_print_hostnames)' -d 'The remote host'
complete -c sesslimitctl -n '__fish_seen_subcommand_from explain' -l group -x -a '(__fish_complete_groups)' -d 'A group beside those that the user is in'
complete -c sesslimitctl -n '__fish_seen_subcommand_from explain' -l method -x -a 'publickey password keyboard-interactive hostbased gssapi-with-mic gssapi-keyex none' -d 'How the user proves who they are'
complete -c sesslimitctl -n '__fish_seen_subcommand_from explain' -l credential -x -a '(__sesslimitctl_open credentials)' -d 'The key that is used'
complete -c sesslimitctl -n '__fish_seen_subcommand_from explain' -l seat -x -a seat0 -d 'The seat that is logged in at'

complete -c sesslimitctl -n '__fish_seen_subcommand_from check' -F
complete -c sesslimitctl -n '__fish_seen_subcommand_from check' -l policy-dir -x -a '(__fish_complete_directories)' -d 'Where the policy is'
complete -c sesslimitctl -n '__fish_seen_subcommand_from check' -l managed -d 'The files are for managed.d'

complete -c sesslimitctl -n '__fish_seen_subcommand_from audit' -l profile -x -a 'stig pci cis' -d 'Those of this profile only'
complete -c sesslimitctl -n '__fish_seen_subcommand_from audit' -l root -x -a '(__fish_complete_directories)' -d 'Look at the files below this directory'
