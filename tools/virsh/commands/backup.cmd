# SPDX-License-Identifier: LGPL-2.1-or-later

group backup
  title Backup
  order 12

command backup-begin
  summary start a backup of a running domain's disks
  todo not written yet
  use domain
  option backupxml string positional complete=file -- file with the XML of the backup; default is a full backup of all disks
  option checkpointxml string also-positional complete=file -- file with the XML of a checkpoint to make at the same time
  option reuse-external bool -- use files that exist already
  option preserve-domain-on-shutdown bool -- keep the domain, paused, if the guest powers off

command backup-dumpxml
  summary print the running backup job as XML
  todo not written yet
  use domain xpath wrap
