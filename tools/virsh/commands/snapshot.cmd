# SPDX-License-Identifier: LGPL-2.1-or-later

group snapshot
  title Snapshot
  order 11

command snapshot-create
  summary take a snapshot described by XML
  handler cmd_snapshot_create
  use domain
  option xmlfile string positional complete=file -- file with the XML
  option redefine bool flag=VIR_DOMAIN_SNAPSHOT_CREATE_REDEFINE -- only restore the record of an earlier one
  option current bool flag=VIR_DOMAIN_SNAPSHOT_CREATE_CURRENT -- use the current snapshot
  option no-metadata bool flag=VIR_DOMAIN_SNAPSHOT_CREATE_NO_METADATA -- keep no record of it
  option halt bool flag=VIR_DOMAIN_SNAPSHOT_CREATE_HALT -- stop the domain afterwards
  option disk-only bool flag=VIR_DOMAIN_SNAPSHOT_CREATE_DISK_ONLY -- disks only, not memory
  option reuse-external bool flag=VIR_DOMAIN_SNAPSHOT_CREATE_REUSE_EXT -- use files that exist already
  option quiesce bool flag=VIR_DOMAIN_SNAPSHOT_CREATE_QUIESCE -- freeze the guest's file systems meanwhile
  option atomic bool flag=VIR_DOMAIN_SNAPSHOT_CREATE_ATOMIC -- all disks or none
  option live bool flag=VIR_DOMAIN_SNAPSHOT_CREATE_LIVE -- keep the guest running while its memory is saved
  use validate
  flag validate VIR_DOMAIN_SNAPSHOT_CREATE_VALIDATE

command snapshot-create-as
  summary take a snapshot described by options
  handler cmd_snapshot_create_as
  use domain
  option name string also-positional -- name of the snapshot
  option description string also-positional -- description to store
  use print-xml
  option no-metadata bool flag=VIR_DOMAIN_SNAPSHOT_CREATE_NO_METADATA -- keep no record of it
  option halt bool flag=VIR_DOMAIN_SNAPSHOT_CREATE_HALT -- stop the domain afterwards
  option disk-only bool flag=VIR_DOMAIN_SNAPSHOT_CREATE_DISK_ONLY -- disks only, not memory
  option reuse-external bool flag=VIR_DOMAIN_SNAPSHOT_CREATE_REUSE_EXT -- use files that exist already
  option quiesce bool flag=VIR_DOMAIN_SNAPSHOT_CREATE_QUIESCE -- freeze the guest's file systems meanwhile
  option atomic bool flag=VIR_DOMAIN_SNAPSHOT_CREATE_ATOMIC -- all disks or none
  option live bool flag=VIR_DOMAIN_SNAPSHOT_CREATE_LIVE -- keep the guest running while its memory is saved
  use validate
  option memspec string -- [file=]name[,snapshot=type]
  option diskspec argv also-positional -- disk[,attribute=value...]
  flag validate VIR_DOMAIN_SNAPSHOT_CREATE_VALIDATE

command snapshot-current
  summary show or set the current snapshot
  handler cmd_snapshot_current
  json name
  use domain
  option name bool -- print the name only
  option security-info bool flag=VIR_DOMAIN_SNAPSHOT_XML_SECURE -- include secrets such as passwords
  option snapshotname string positional complete=snapshot -- name of the snapshot

command snapshot-delete
  summary delete a snapshot
  handler cmd_snapshot_delete
  use domain
  option snapshotname string positional complete=snapshot -- name of the snapshot
  option current bool -- delete the current snapshot
  option children bool flag=VIR_DOMAIN_SNAPSHOT_DELETE_CHILDREN -- it and all its descendants
  option children-only bool flag=VIR_DOMAIN_SNAPSHOT_DELETE_CHILDREN_ONLY -- its descendants only
  option metadata bool flag=VIR_DOMAIN_SNAPSHOT_DELETE_METADATA_ONLY -- remove only the record

command snapshot-dumpxml
  summary print a snapshot as XML
  handler cmd_snapshot_dumpxml
  use domain
  option snapshotname string positional required complete=snapshot -- name of the snapshot
  option security-info bool flag=VIR_DOMAIN_SNAPSHOT_XML_SECURE -- include secrets such as passwords
  use xpath wrap

command snapshot-edit
  summary change the XML of a snapshot in an editor
  handler cmd_snapshot_edit
  use domain
  option snapshotname string positional complete=snapshot -- name of the snapshot
  option current bool -- use the current snapshot
  option rename bool -- a new name in the XML renames it
  option clone bool -- a new name in the XML makes a copy
  exclusive rename clone

command snapshot-info
  summary show basic facts about a snapshot
  handler cmd_snapshot_info
  json snapshot-info
  use domain
  option snapshotname string positional complete=snapshot -- name of the snapshot
  option current bool -- use the current snapshot

command snapshot-list
  summary list the snapshots of a domain
  handler cmd_snapshot_list
  json snapshot-list
  use domain
  option parent bool -- show the parents
  option roots bool flag=VIR_DOMAIN_SNAPSHOT_LIST_ROOTS -- only those without a parent
  option leaves bool flag=VIR_DOMAIN_SNAPSHOT_LIST_LEAVES -- only those without children
  option no-leaves bool flag=VIR_DOMAIN_SNAPSHOT_LIST_NO_LEAVES -- only those with children
  option metadata bool flag=VIR_DOMAIN_SNAPSHOT_LIST_METADATA -- only snapshots that keep the domain from being undefined
  option no-metadata bool flag=VIR_DOMAIN_SNAPSHOT_LIST_NO_METADATA -- only snapshots that don't keep the domain from being undefined
  option inactive bool flag=VIR_DOMAIN_SNAPSHOT_LIST_INACTIVE -- only snapshots taken while the domain was off
  option active bool flag=VIR_DOMAIN_SNAPSHOT_LIST_ACTIVE -- only snapshots taken while the domain ran
  option disk-only bool flag=VIR_DOMAIN_SNAPSHOT_LIST_DISK_ONLY -- only snapshots of disks alone
  option internal bool flag=VIR_DOMAIN_SNAPSHOT_LIST_INTERNAL -- only those stored inside the disk images
  option external bool flag=VIR_DOMAIN_SNAPSHOT_LIST_EXTERNAL -- only those stored in files of their own
  option tree bool -- show a tree
  option from string also-positional complete=snapshot -- only children of this one
  option current bool -- list relative to the current snapshot
  option descendants bool -- all descendants, not only children
  option name bool -- print names only
  option topological bool flag=VIR_DOMAIN_SNAPSHOT_LIST_TOPOLOGICAL -- parents before children
  exclusive tree name
  exclusive parent roots
  exclusive parent tree
  exclusive roots tree
  exclusive roots from
  exclusive roots current

command snapshot-parent
  summary print the name of a snapshot's parent
  handler cmd_snapshot_parent
  json name
  use domain
  option snapshotname string positional complete=snapshot -- name of the snapshot
  option current bool -- use the current snapshot

command snapshot-revert
  summary take a domain back to a snapshot
  handler cmd_snapshot_revert
  use domain
  option snapshotname string positional complete=snapshot -- name of the snapshot
  option current bool -- use the current snapshot
  option running bool flag=VIR_DOMAIN_SNAPSHOT_REVERT_RUNNING -- leave the domain running
  option paused bool flag=VIR_DOMAIN_SNAPSHOT_REVERT_PAUSED -- leave the domain paused
  option force bool flag=VIR_DOMAIN_SNAPSHOT_REVERT_FORCE -- revert even where it is risky
  option reset-nvram bool flag=VIR_DOMAIN_SNAPSHOT_REVERT_RESET_NVRAM -- start with fresh firmware variables
