# SPDX-License-Identifier: LGPL-2.1-or-later
# Completion of virt-admin for bash: virt-admin itself says what may follow.
_virt_admin_complete()
{
    local i=1 options=() word
    local line=()

    while ((i < COMP_CWORD)); do
        word=${COMP_WORDS[i]}
        case $word in
        -c | --connect) options+=(-c "${COMP_WORDS[i + 1]}") && ((i += 2)) ;;
        -[dl] | --debug | --log) ((i += 2)) ;;
        -*) ((i++)) ;;
        *) break ;;
        esac
    done
    line=("${COMP_WORDS[@]:i:COMP_CWORD-i}" "${COMP_WORDS[COMP_CWORD]}")
    mapfile -t COMPREPLY < <(virt-admin "${options[@]}" -q complete -- "${line[@]}" 2>/dev/null)
}
complete -o default -F _virt_admin_complete virt-admin
