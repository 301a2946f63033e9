#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# virt-top: top.sh URI prints its stream, its CSV file and its screens without times and the load of this host; over the daemon
# those with a guest of QEMU, too.
uri=$1
export TERM=vt100
domain="<domain type='qemu'><name>one</name><uuid>11111111-1111-4111-8111-111111111111</uuid><memory unit='MiB'>64</memory><vcpu>1</vcpu>
<os><type arch='x86_64'>hvm</type></os><devices><disk type='file' device='disk'><source file='$BINDINGS_FILES/disk'/>
<target dev='vda' bus='virtio'/></disk><interface type='user'/></devices></domain>"

# Without names of hosts, times, percentages and messages of the library; what the terminal is told of lines begins a line.
plain() {
    grep -av ': \(info\|warning\|error\) : ' |
    sed -E -e 's/\x1b\[[0-9;]*[ABHJ]/\n/g' -e 's/\x1b[][()][0-9;?]*[a-zA-Z0-9]?|\x1b[=>]|\x0f|\r//g' -e 's/Host [^ ]+/Host/' \
        -e 's/[0-9]{2}:[0-9]{2}:[0-9]{2}|[0-9]+:[0-9]{2}\.[0-9]{2}/TIME/g' -e 's/ +[0-9]+\.[0-9]+%?/ N/g' -e 's/ +$//' |
    if [ "$uri" = qemu:///system ]; then sed -E -e 's/[0-9]+\/[0-9]+CPU.*/CPU/' -e 's/( +[0-9]+[KMG]?)+/ N/g'; else cat; fi
}
run() { # NAME WORD...
    echo "== ${uri%%:*} $1"
    shift
    timeout -s KILL 20 virt-top -c "$uri" --no-init-file "$@" 2>"$BINDINGS_FILES/errors" </dev/null | plain
    echo "status ${PIPESTATUS[0]}"
    grep '^virt-top' "$BINDINGS_FILES/errors"
}
screen() { # NAME WORD...: a terminal is wanted, which `script` makes
    echo "== ${uri%%:*} screen $1"
    shift
    timeout -s KILL 20 script -qec "stty rows 24 cols 100; virt-top -c '$uri' --no-init-file -n 2 -d 0.1 $*" /dev/null 2>&1 <>"$BINDINGS_FILES/keys" |
        plain | grep -v '^$'
}
csv() { # the last row, a column a line
    echo "== ${uri%%:*} csv"
    awk -F, 'NR == 1 { split($0, name) } { row = $0 }
        END { n = split(row, value); for (i = 3; i <= n; i++) print NR, name[i] ": " value[i] }' "$BINDINGS_FILES/csv" |
        sed -E -e 's/((CPU|(time|CPU) \(ns\)): ).*/\1N/' -e 's/((Block|Net) .*: )[0-9]+/\1N/'
}
all() {
    run stream --stream -n 2 -d 0.1
    run bytes --stream --block-in-bytes -n 1 -d 0.1
    run sorted --stream -n 1 -d 0.1 -o name
    run script --script -n 2 -d 0.1 --csv "$BINDINGS_FILES/csv"
    csv
    for view in tasks:-s cpus:-1 networks:-2 disks:-3; do screen "${view%:*}" "${view#*:}"; done
}
mkfifo "$BINDINGS_FILES/keys"       # nobody types, but the terminal stays
all
run nobody -c nonsense:/// --stream -n 1
[ "${uri%%:*}" != test+unix ] || {
    truncate -s 1M "$BINDINGS_FILES/disk"
    chmod 755 "$BINDINGS_FILES"
    uri=qemu:///system
    # A domain that ends with this connection: by virsh it would be Debian's own library.
    coproc guest { python3 -c 'import libvirt, sys
dom = libvirt.open(sys.argv[1]).createXML(sys.argv[2], libvirt.VIR_DOMAIN_START_AUTODESTROY)
print(dom.name(), flush=True)
sys.stdin.read()' "$uri" "$domain"; }
    read -r -u "${guest[0]}" name || exit 1
    all
    exec {guest[1]}>&-
    wait "$guest_PID"
}
