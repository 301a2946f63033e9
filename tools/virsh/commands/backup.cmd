# SPDX-License-Identifier: LGPL-2.1-or-later

group backup
  title Backup
  order 12

command backup-begin
  summary start a backup of a running domain's disks
  handler cmd_backup_begin
  use domain
  option backupxml string positional complete=file -- file with the XML of the backup; default is a full backup of all disks
  option checkpointxml string also-positional complete=file -- file with the XML of a checkpoint to make at the same time
  option reuse-external bool flag=VIR_DOMAIN_BACKUP_BEGIN_REUSE_EXTERNAL -- use files that exist already
  option preserve-domain-on-shutdown bool flag=VIR_DOMAIN_BACKUP_BEGIN_PRESERVE_SHUTDOWN_DOMAIN -- keep the domain, paused, if the guest powers off

command backup-dumpxml
  summary print the running backup job as XML
  dump domain virDomainBackupGetXMLDesc
  use domain xpath wrap
