# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# bash completion for sesslimitctl(1)

# Lists the current sessions, users and credentials of the daemon, or the keys and rules of the policy. Prints no
# sessions if the daemon is not running.
__sesslimitctl_open() {
    sesslimitctl complete "$1" 2>/dev/null | cut -f1
}

__sesslimitctl_offer() {
    mapfile -t COMPREPLY < <(compgen -W "$1" -- "$2")
}

# Offers the lines of the input that start with the current word, quoted for the shell.
__sesslimitctl_offer_lines() {
    local line
    while IFS= read -r line; do
        if [[ -n $line && $line == "$1"* ]]; then COMPREPLY+=("$(printf '%q' "$line")"); fi
    done
}

# Finds the command on the line before the current word. Skips each option that takes a value, together with this value,
# and the number of commands in the argument. With 1, finds the command after "fleet".
__sesslimitctl_command() {
    local i skip=${1-0}
    for ((i = 1; i < COMP_CWORD; i++)); do
        case ${COMP_WORDS[i]} in
            --json | --user | --service | --origin | --group | --method | --credential | --seat | --policy-dir | --profile | --root | --require | --rule | --match | --message | --socket | --timeout)
                ((i++))
                if [[ ${COMP_WORDS[i]} == '=' ]]; then ((i++)); fi
                ;;
            -*) ;;
            *)
                if ((skip-- > 0)); then continue; fi
                printf '%s' "${COMP_WORDS[i]}"
                return
                ;;
        esac
    done
}

# Offers keys of the policy. For the command "set", each key ends in an equals sign, after which the value follows.
__sesslimitctl_keys() {
    local keys
    keys=$(__sesslimitctl_open "$1")
    if [[ $2 == set ]]; then
        keys=${keys//$'\n'/$'=\n'}=
        compopt -o nospace 2>/dev/null
    fi
    __sesslimitctl_offer "$keys" "$3"
}

# Offers values of a key of the policy, or of a key under match.
__sesslimitctl_assigned() {
    case $1/$2 in
        matches/user) mapfile -t COMPREPLY < <(compgen -u -- "$3") ;;
        matches/group) mapfile -t COMPREPLY < <(compgen -g -- "$3") ;;
        matches/service) mapfile -t COMPREPLY < <(cd /etc/pam.d 2>/dev/null && compgen -f -- "$3") ;;
        *) __sesslimitctl_offer_lines "$3" < <(__sesslimitctl_open "$1-values" | sed -n "s/^$2=//p") ;;
    esac
}

# Completes the value of an option. Fails if the option takes no value.
__sesslimitctl_value() {
    local option=$1 current=$2
    case $option in
        --json) __sesslimitctl_offer "short pretty off" "$current" ;;
        --user) __sesslimitctl_offer "$(__sesslimitctl_open users)" "$current" ;;
        --service) mapfile -t COMPREPLY < <(cd /etc/pam.d 2>/dev/null && compgen -f -- "$current") ;;
        --origin) mapfile -t COMPREPLY < <(compgen -A hostname -W local -- "$current") ;;
        --group) mapfile -t COMPREPLY < <(compgen -g -- "$current") ;;
        --method)
            __sesslimitctl_offer "publickey password keyboard-interactive hostbased gssapi-with-mic gssapi-keyex none" \
                "$current"
            ;;
        --credential) __sesslimitctl_offer "$(__sesslimitctl_open credentials)" "$current" ;;
        --message | --timeout) ;;
        --socket) mapfile -t COMPREPLY < <(compgen -f -- "$current") ;;
        --rule)
            local kind=rules
            if [[ $3 == get ]]; then kind=host-rules; fi
            __sesslimitctl_offer_lines "$current" < <(__sesslimitctl_open "$kind")
            ;;
        --match) __sesslimitctl_keys matches "$3" "$current" ;;
        --seat) __sesslimitctl_offer seat0 "$current" ;;
        --profile) __sesslimitctl_offer "stig pci cis anssi" "$current" ;;
        --policy-dir | --root) mapfile -t COMPREPLY < <(compgen -d -- "$current") ;;
        *) return 1 ;;
    esac
}

__sesslimitctl_options() {
    local options="--json --no-legend --no-pager --no-ask --help"
    case $1 in
        '') options+=" --version" ;;
        list) options+=" --user" ;;
        end | end-user | end-credential) options+=" --message" ;;
        explain) options+=" --service --origin --group --method --credential --seat" ;;
        check) options+=" --policy-dir --managed" ;;
        audit) options+=" --profile --root --require" ;;
        set | unset) options+=" --rule --match --dry-run --policy-dir" ;;
        get) options+=" --rule --policy-dir" ;;
        edit | rules | defaults) options+=" --policy-dir" ;;
        fleet)
            options+=" --socket"
            case $(__sesslimitctl_command 1) in
                end-user | end-credential) options+=" --message --timeout" ;;
            esac
            ;;
    esac
    __sesslimitctl_offer "$options" "$2"
}

__sesslimitctl_argument() {
    local command=$1 current=$2
    case $command in
        '')
            __sesslimitctl_offer "list show end end-user end-credential explain check audit set unset edit get rules defaults reload status watch fleet" \
                "$current"
            ;;
        show | end) __sesslimitctl_offer "$(__sesslimitctl_open sessions)" "$current" ;;
        end-user) __sesslimitctl_offer "$(__sesslimitctl_open users)" "$current" ;;
        end-credential) __sesslimitctl_offer "$(__sesslimitctl_open credentials)" "$current" ;;
        explain) mapfile -t COMPREPLY < <(compgen -u -- "$current") ;;
        set | unset | get) __sesslimitctl_keys settings "$command" "$current" ;;
        check) mapfile -t COMPREPLY < <(compgen -f -- "$current") ;;
        fleet)
            case $(__sesslimitctl_command 1) in
                '') __sesslimitctl_offer "list hosts status end-user end-credential drain forget" "$current" ;;
                list | end-user) __sesslimitctl_offer "$(__sesslimitctl_open users)" "$current" ;;
                end-credential) __sesslimitctl_offer "$(__sesslimitctl_open credentials)" "$current" ;;
            esac
            ;;
    esac
}

_sesslimitctl() {
    COMPREPLY=()
    local current=${COMP_WORDS[COMP_CWORD]} option=${COMP_WORDS[COMP_CWORD - 1]}
    # readline splits "--json=short" into three words
    if [[ $current == '=' ]]; then
        current=
    elif [[ $option == '=' ]]; then
        option=${COMP_WORDS[COMP_CWORD - 2]}
    fi
    local command
    command=$(__sesslimitctl_command)
    if __sesslimitctl_value "$option" "$current" "$command"; then return; fi
    # readline splits "quiet=true" into three words, too
    if [[ ${COMP_WORDS[COMP_CWORD]} == '=' || ${COMP_WORDS[COMP_CWORD - 1]} == '=' ]]; then
        local before=1
        if [[ ${COMP_WORDS[COMP_CWORD]} != '=' ]]; then before=2; fi
        if [[ $command != set ]]; then return; fi
        # A key of --match follows this word, or this word and an equals sign.
        local key_at=$((COMP_CWORD - before))
        if [[ ${COMP_WORDS[key_at - 1]} == --match ||
            ${COMP_WORDS[key_at - 1]} == '=' && ${COMP_WORDS[key_at - 2]} == --match ]]; then
            __sesslimitctl_assigned matches "$option" "$current"
        else
            __sesslimitctl_assigned settings "$option" "$current"
        fi
        return
    fi
    if [[ $current == -* ]]; then
        __sesslimitctl_options "$command" "$current"
    else
        __sesslimitctl_argument "$command" "$current"
    fi
}

complete -F _sesslimitctl sesslimitctl
