# SPDX-License-Identifier: LGPL-2.1-or-later
# Completion of virsh for bash: virsh itself says what may follow.
_virsh_complete()
{
    local i=1 options=() word
    local line=()

    while ((i < COMP_CWORD)); do
        word=${COMP_WORDS[i]}
        case $word in
        -c | --connect) options+=(-c "${COMP_WORDS[i + 1]}") && ((i += 2)) ;;
        -[delkK]) ((i += 2)) ;;
        -*) ((i++)) ;;
        *) break ;;
        esac
    done
    line=("${COMP_WORDS[@]:i:COMP_CWORD-i}" "${COMP_WORDS[COMP_CWORD]}")
    mapfile -t COMPREPLY < <(virsh "${options[@]}" -q complete -- "${line[@]}" 2>/dev/null)
}
complete -o default -F _virsh_complete virsh
