# SPDX-License-Identifier: LGPL-2.1-or-later

group snapshot
  title Snapshot
  order 11

command snapshot-create
  summary take a snapshot described by XML
  todo not written yet
  use domain
  option xmlfile string positional complete=file -- file with the XML
  option redefine bool -- only restore the record of an earlier one
  option current bool -- use the current snapshot
  option no-metadata bool -- keep no record of it
  option halt bool -- stop the domain afterwards
  option disk-only bool -- disks only, not memory
  option reuse-external bool -- use files that exist already
  option quiesce bool -- freeze the guest's file systems meanwhile
  option atomic bool -- all disks or none
  option live bool -- keep the guest running while its memory is saved
  use validate
  flag validate VIR_DOMAIN_SNAPSHOT_CREATE_VALIDATE

command snapshot-create-as
  summary take a snapshot described by options
  todo not written yet
  use domain
  option name string also-positional -- name of the snapshot
  option description string also-positional -- description to store
  use print-xml
  option no-metadata bool -- keep no record of it
  option halt bool -- stop the domain afterwards
  option disk-only bool -- disks only, not memory
  option reuse-external bool -- use files that exist already
  option quiesce bool -- freeze the guest's file systems meanwhile
  option atomic bool -- all disks or none
  option live bool -- keep the guest running while its memory is saved
  use validate
  option memspec string -- [file=]name[,snapshot=type]
  option diskspec argv also-positional -- disk[,attribute=value...]
  flag validate VIR_DOMAIN_SNAPSHOT_CREATE_VALIDATE

command snapshot-current
  summary show or set the current snapshot
  todo not written yet
  use domain
  option name bool -- print the name only
  option security-info bool -- include secrets such as passwords
  option snapshotname string positional complete=snapshot -- name of the snapshot

command snapshot-delete
  summary delete a snapshot
  handler cmd_snapshot_delete
  use domain
  option snapshotname string positional complete=snapshot -- name of the snapshot
  option current bool -- delete the current snapshot
  option children bool -- it and all its descendants
  option children-only bool -- its descendants only
  option metadata bool -- remove only the record

command snapshot-dumpxml
  summary print a snapshot as XML
  handler cmd_snapshot_dumpxml
  use domain
  option snapshotname string positional required complete=snapshot -- name of the snapshot
  option security-info bool -- include secrets such as passwords
  use xpath wrap

command snapshot-edit
  summary change the XML of a snapshot in an editor
  todo not written yet
  use domain
  option snapshotname string positional complete=snapshot -- name of the snapshot
  option current bool -- use the current snapshot
  option rename bool -- a new name in the XML renames it
  option clone bool -- a new name in the XML makes a copy

command snapshot-info
  summary show basic facts about a snapshot
  todo not written yet
  use domain
  option snapshotname string positional complete=snapshot -- name of the snapshot
  option current bool -- use the current snapshot

command snapshot-list
  summary list the snapshots of a domain
  todo not written yet
  use domain
  option parent bool -- show the parents
  option roots bool -- only those without a parent
  option leaves bool -- only those without children
  option no-leaves bool -- only those with children
  option metadata bool -- only snapshots that keep the domain from being undefined
  option no-metadata bool -- only snapshots that don't keep the domain from being undefined
  option inactive bool -- only snapshots taken while the domain was off
  option active bool -- only snapshots taken while the domain ran
  option disk-only bool -- only snapshots of disks alone
  option internal bool -- only those stored inside the disk images
  option external bool -- only those stored in files of their own
  option tree bool -- show a tree
  option from string also-positional complete=snapshot -- only children of this one
  option current bool -- list relative to the current snapshot
  option descendants bool -- all descendants, not only children
  option name bool -- print names only
  option topological bool -- parents before children

command snapshot-parent
  summary print the name of a snapshot's parent
  handler cmd_snapshot_parent
  use domain
  option snapshotname string positional complete=snapshot -- name of the snapshot
  option current bool -- use the current snapshot

command snapshot-revert
  summary take a domain back to a snapshot
  handler cmd_snapshot_revert
  use domain
  option snapshotname string positional complete=snapshot -- name of the snapshot
  option current bool -- use the current snapshot
  option running bool -- leave the domain running
  option paused bool -- leave the domain paused
  option force bool -- revert even where it is risky
  option reset-nvram bool -- start with fresh firmware variables
