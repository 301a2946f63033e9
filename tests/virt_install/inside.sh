#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# inside.sh FOLDER: runs Debian's tools on qemu:///system: virt-install with each line of options.txt, virt-xml and virt-clone on what it
# made. Prints a section for each call: `== NAME`, what it says, its status, and the guest's state.
folder=$1
here=$(dirname "$0")
export LIBVIRT_DEFAULT_URI=qemu:///system
say() {
    echo "== $1"
    shift
    timeout -s KILL 60 "$@" < /dev/null 2>&1
    echo "status $?"
}
while IFS= read -r line; do
    name=${line%%: *}
    read -ra options <<< "${line#*: }"
    [[ $line == *--network* ]] || options+=(--network user)
    say "$name" virt-install --name "$name" --memory 64 --virt-type qemu --noautoconsole "${options[@]//FOLDER/$folder}"
    virsh domstate "$name"
    virsh -q destroy "$name"
    [[ $name =~ ^(randomness|volume)$ ]] || virsh -q undefine "$name" --nvram --tpm
done < <(grep -v '^#' "$here/options.txt")

edited() {    # NAME COUNT EXPRESSION WORD…: virt-xml with the words; then the definition has so many lines like the expression
    name=$1 count=$2 expression=$3
    shift 3
    say "$name" virt-xml randomness "$@"
    [ "$(virsh dumpxml --inactive randomness | grep -cE "$expression")" = "$count" ] && echo changed
}
edited edit-memory 1 "<memory unit='KiB'>131072<" --edit --memory 128
edited edit-processor 1 '<model .*>Nehalem<' --edit --cpu Nehalem,+vmx
edited add-device 1 "<sound model='ich6'" --add-device --sound ich6
edited remove-device 0 "<sound model='ich6'" --remove-device --sound ich6
virsh -q start randomness
say add-to-running virt-xml randomness --add-device --input keyboard,bus=usb --update
virsh dumpxml randomness | grep -q "<input type='keyboard' bus='usb'>" && echo changed
virsh -q destroy randomness
say clone virt-clone --original randomness --name twin --auto-clone
virsh -q start twin
virsh domstate twin
virsh -q destroy twin
for name in randomness twin; do virsh -q undefine "$name"; done
# A clone has volumes of its own in the same pool.
say clone-volumes virt-clone --original volume --name second --auto-clone
virsh -q start second
virsh domstate second
virsh domblklist --details second
virsh vol-list default
virsh -q destroy second
say remove-volumes virsh undefine second --remove-all-storage
virsh vol-list default | grep -q clone || echo changed
