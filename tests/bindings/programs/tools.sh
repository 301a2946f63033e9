#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# virt-install, virt-xml and virt-clone: tools.sh URI prints what they make, as text without what is different in each run.
uri=$1

# Lines of a tool's output but for what is random (UUIDs, MAC addresses) and times.
plain() {
    sed -E -e 's/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/UUID/g' -e 's/([0-9a-f]{2}:){5}[0-9a-f]{2}/MAC/g' \
        -e 's/[0-9]{2}:[0-9]{2}( *|:[0-9]{2} *)\|/TIME |/g'
}
run() {
    echo "== $1"
    shift
    timeout -s KILL 30 "$@" 2>&1 | plain
    echo "status ${PIPESTATUS[0]}"
}
install=(virt-install --connect "$uri" --name made --memory 64 --vcpus 1 --disk none --network default --osinfo linux2022
    --boot hd --noautoconsole --graphics none)
run document "${install[@]}" --print-xml
run dry virt-install --connect "$uri" --name x --memory 64 --disk none --osinfo linux2022 --boot hd --graphics none --dry-run \
    --noautoconsole
run edit virt-xml --connect "$uri" test --edit --memory 32 --print-diff
run define virt-xml --connect "$uri" test --edit --metadata title=one --define
run missing virt-xml --connect "$uri" nobody --edit --memory 32 --print-diff
run disk virt-xml --connect "$uri" test --add-device --disk /nowhere/x.img,size=1 --print-xml
run clone virt-clone --connect "$uri" --original test --name copy --auto-clone --print-xml
